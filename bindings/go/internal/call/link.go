//go:build !husk_nopkgconfig

package call

// #cgo pkg-config: husk
import "C"
