//go:build !husk_nopkgconfig

package memory

// #cgo pkg-config: husk
import "C"
