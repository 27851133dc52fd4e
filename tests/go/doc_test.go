package tests

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
	"testing"
)

// Every exported name of the packages is explained.
func TestEveryNameIsExplained(t *testing.T) {
	everyNameIsExplained(t, "../../bindings/go", "husk", 150)
	everyNameIsExplained(t, "../../bindings/go/trace", "trace", 100)
	everyNameIsExplained(t, "../../bindings/go/memory", "memory", 50)
	everyNameIsExplained(t, "../../bindings/go/ffi", "ffi", 5)
}

func everyNameIsExplained(t *testing.T, folder, name string, least int) {
	files := token.NewFileSet()
	parsed, err := parser.ParseDir(files, folder, func(info fs.FileInfo) bool {
		return !strings.HasSuffix(info.Name(), "_test.go") && info.Name() != "handles_final.go"
	}, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	pkg := doc.New(parsed[name], "husk.example/"+name, 0)
	names := 0
	explained := func(name, text string) {
		if !ast.IsExported(name[strings.LastIndex(name, ".")+1:]) {
			return
		}
		names++
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s has no comment", name)
		}
	}
	values := func(all []*doc.Value) {
		for _, group := range all {
			for _, name := range group.Names {
				explained(name, group.Doc)
			}
		}
	}
	functions := func(of string, all []*doc.Func) {
		for _, f := range all {
			explained(of+f.Name, f.Doc)
		}
	}
	if !strings.Contains(pkg.Doc, "heap") {
		t.Error("the package has no comment")
	}
	values(pkg.Consts)
	values(pkg.Vars)
	functions("", pkg.Funcs)
	for _, typ := range pkg.Types {
		explained(typ.Name, typ.Doc)
		values(typ.Consts)
		values(typ.Vars)
		functions("", typ.Funcs)
		functions(typ.Name+".", typ.Methods)
	}
	if names < least {
		t.Errorf("only %d names were found in %s", names, folder)
	}
}
