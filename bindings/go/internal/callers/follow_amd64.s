#include "textflag.h"

// A goroutine (g) begins with the bounds of its stack, low and high; a frame is the caller's frame pointer and the
// return address above it.

// func follow(pcs *uintptr, most int) int
TEXT ·follow(SB), NOSPLIT, $0-24
	MOVQ pcs+0(FP), DI
	MOVQ most+8(FP), CX
	MOVQ (TLS), R8
	MOVQ 0(R8), R9
	MOVQ 8(R8), R10
	SUBQ $16, R10
	MOVQ BP, DX
	XORQ AX, AX
next:
	CMPQ AX, CX
	JGE  done
	CMPQ DX, R9
	JB   done
	CMPQ DX, R10
	JA   done
	TESTQ $7, DX
	JNE  done
	MOVQ 8(DX), R11
	MOVQ R11, (DI)(AX*8)
	INCQ AX
	MOVQ 0(DX), R11
	CMPQ R11, DX
	JBE  done
	MOVQ R11, DX
	JMP  next
done:
	MOVQ AX, ret+16(FP)
	RET

// func goroutine() uintptr
TEXT ·goroutine(SB), NOSPLIT, $0-8
	MOVQ (TLS), AX
	MOVQ AX, ret+0(FP)
	RET
