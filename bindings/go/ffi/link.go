//go:build !husk_nopkgconfig && !husk_noffi

package ffi

// #cgo pkg-config: husk-ffi
import "C"
