module husk.example/bench

go 1.19

require husk.example/husk v0.0.0

replace husk.example/husk => ../../../bindings/go
