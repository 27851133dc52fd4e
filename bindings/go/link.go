//go:build !husk_nopkgconfig

package husk

// With the tag husk_nopkgconfig, CGO_CFLAGS and CGO_LDFLAGS say where the library is.

// #cgo pkg-config: husk
import "C"
