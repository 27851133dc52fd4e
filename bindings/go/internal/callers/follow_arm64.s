#include "textflag.h"

// As follow_amd64.s says; R29 is the frame pointer.

// func follow(pcs *uintptr, most int) int
TEXT ·follow(SB), NOSPLIT|NOFRAME, $0-24
	MOVD pcs+0(FP), R0
	MOVD most+8(FP), R1
	MOVD 0(g), R2
	MOVD 8(g), R3
	SUB  $16, R3
	MOVD R29, R4
	MOVD $0, R5
next:
	CMP  R1, R5
	BGE  done
	CMP  R2, R4
	BLO  done
	CMP  R3, R4
	BHI  done
	TST  $7, R4
	BNE  done
	MOVD 8(R4), R6
	MOVD R6, (R0)(R5<<3)
	ADD  $1, R5
	MOVD 0(R4), R6
	CMP  R4, R6
	BLS  done
	MOVD R6, R4
	JMP  next
done:
	MOVD R5, ret+16(FP)
	RET

// func goroutine() uintptr
TEXT ·goroutine(SB), NOSPLIT|NOFRAME, $0-8
	MOVD g, R0
	MOVD R0, ret+0(FP)
	RET
