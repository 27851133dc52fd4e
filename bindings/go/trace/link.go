//go:build !husk_nopkgconfig

package trace

// #cgo pkg-config: husk
import "C"
