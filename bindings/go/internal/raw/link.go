//go:build !husk_nopkgconfig

package raw

// #cgo pkg-config: husk
import "C"
