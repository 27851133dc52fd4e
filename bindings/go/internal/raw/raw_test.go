package raw

import (
	"math"
	"testing"
)

// The flat layer alone: a heap, its switches and figures, without an object.
func TestRaw(t *testing.T) {
	before := Memory_held()
	heap := Open("raw")
	if heap == nil || heap.Swigcptr() == 0 {
		t.Fatal("no heap")
	}
	if name := heap.Name(); name != "raw" {
		t.Errorf("name %q", name)
	}

	var figures Figures
	heap.Figures(&figures)
	if figures.Objects != 0 || figures.BytesTaken == 0 || figures.BytesTaken != figures.BytesPeak {
		t.Errorf("figures %+v", figures)
	}
	if status := heap.Set_max_bytes(1); Status_name(status) != "HUSK_ELIMIT" {
		t.Errorf("a limit of one byte gave %d, %s", status, Status_text(status))
	}
	if status := heap.Set_max_bytes(1 << 30); status != 0 {
		t.Errorf("a limit gave %d", status)
	}
	heap.Figures(&figures)
	if figures.MaxBytes != 1<<30 {
		t.Errorf("the limit is %d", figures.MaxBytes)
	}

	pacing := Pacing{LeastObjects: 7, LeastBytes: 8, Factor: 1.5, FactorMax: 3}
	if status := heap.Set_pacing(&pacing); status != 0 {
		t.Errorf("pacing gave %d", status)
	}
	var back Pacing
	heap.Get_pacing(&back)
	if back != pacing {
		t.Errorf("pacing %+v", back)
	}
	pacing.Factor = math.NaN()
	if status := heap.Set_pacing(&pacing); Status_name(status) != "HUSK_ERANGE" {
		t.Errorf("a factor that is no number gave %d", status)
	}
	var counts Counts
	heap.Counts(&counts)
	if counts.GrownObjects != 0 || counts.LimitObjects != 7 || counts.LimitBytes != 8 {
		t.Errorf("counts %+v", counts)
	}

	pass := Pass{Examined: 1}
	if status := heap.Collect(&pass); status != 0 || pass.Examined != 0 || pass.Reason != 0 {
		t.Errorf("collect gave %d, %+v", status, pass)
	}
	var generation Generation
	if status := heap.Generation(0, &generation); status != 0 || generation.Passes != 1 {
		t.Errorf("generation gave %d, %+v", status, generation)
	}
	if status := heap.Generation(2, &generation); Status_name(status) != "HUSK_ERANGE" {
		t.Errorf("generation 2 gave %d", status)
	}
	if status := heap.Enable(); Status_name(status) != "HUSK_ESTATE" {
		t.Errorf("enable gave %d", status)
	}
	if !heap.Is_enabled() || heap.Disabled_by(0) != "" {
		t.Error("disabled by nobody")
	}
	if status := heap.Off_pass(math.MaxUint64); Status_name(status) != "HUSK_EMISSING" {
		t.Errorf("off_pass gave %d", status)
	}
	heap.Set_save_all(true)
	if !heap.Save_all() || heap.Garbage_count() != 0 || heap.Garbage_reason(0) != "" {
		t.Error("save all")
	}
	if status := heap.Verify(); status != 0 {
		t.Errorf("verify gave %d", status)
	}
	Close(heap)
	if held := Memory_held(); held != before {
		t.Errorf("%d bytes are left", held-before)
	}
}

func TestTexts(t *testing.T) {
	if Version() == "" || Memory_mode() == "" || Status_name(0) != "HUSK_OK" || Status_name(-99) != "HUSK_UNKNOWN" {
		t.Errorf("%q %q %q %q", Version(), Memory_mode(), Status_name(0), Status_name(-99))
	}
}
