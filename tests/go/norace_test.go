//go:build !race

package tests

const hammerOperations = 1000000
