//go:build race

package tests

const hammerOperations = 100000 // the race detector makes each several times slower
