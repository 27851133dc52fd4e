//go:build !husk_nopkgconfig && !husk_noffi

package foreign

// #cgo pkg-config: husk-ffi
import "C"
