/* SPDX-License-Identifier: 0BSD */
/* Where a program begins (x86-64 psABI, section 3.4): what a C library's crt1.o does, so that a program can
   be linked where no C library for development is installed. */

__asm__(
    ".text\n"
    ".globl _start\n"
    ".hidden _start\n"
    ".type _start, @function\n"
    "_start:\n"
    "  xorl %ebp, %ebp\n" /* the outermost frame */
    "  movq %rdx, %r9\n"  /* what the loader wants to be called at the end */
    "  popq %rsi\n"       /* argc */
    "  movq %rsp, %rdx\n" /* argv */
    "  andq $-16, %rsp\n"
    "  pushq %rax\n"
    "  pushq %rsp\n"      /* the end of the stack */
    "  xorl %r8d, %r8d\n" /* no fini */
    "  xorl %ecx, %ecx\n" /* no init */
    "  movq main@GOTPCREL(%rip), %rdi\n"
    "  call *__libc_start_main@GOTPCREL(%rip)\n"
    "  hlt\n"
    ".size _start, . - _start\n"
    ".section .note.GNU-stack, \"\", @progbits\n");
