/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of module/emul/ share.
 */
#ifndef LVX_EMUL_INTERNAL_H
#define LVX_EMUL_INTERNAL_H

#include <linux/types.h>
#include <asm/processor.h>

#include "base/vm.h"
#include "emul/emul.h"
#include "pure/exec.h"
#include "pure/walk.h"

struct fetch_cache;

/**
 * struct port_string - an INS or OUTS that user space serves
 * @insn: the instruction
 * @in: INS
 * @port: port
 * @size: bytes of an element: 1, 2, 4
 * @count: elements of the batch in pio_data
 * @la: linear address of the first
 */
struct port_string {
	struct insn insn;
	bool in;
	u16 port;
	u8 size;
	u32 count;
	u64 la;
};

/**
 * struct lvx_emul - an instruction in execution; belongs to the vCPU's thread
 * @ctx: what module/vmx/ filled in
 * @cache: of the last fetched instructions
 * @exec: the instruction
 * @cpu: its registers
 * @done: bytes of exec.access that are moved
 * @fragment: bytes that user space moves now
 * @simple: user space serves a load of exec.insn, which is a plain move
 * @pio_string: user space serves @string, not a plain IN or OUT
 * @pio_size: bytes of a plain IN, 0 of an OUT
 * @string: the string instruction
 */
struct lvx_emul {
	struct lvx_emul_ctx ctx;
	struct fetch_cache *cache;
	struct exec exec;
	struct exec_cpu cpu;
	u8 done, fragment;
	bool simple;
	bool pio_string;
	u8 pio_size;
	struct port_string string;
};

/* cpuid_table.c */
u32 cpuid_supported_reg(u32 leaf, u32 subleaf, enum cpuid_regs_idx reg);
u64 cpuid_supported_xcr0(void);
u32 cpuid_xsave_size(u64 features, bool compacted);

/* translate.c */
enum lvx_emul_result emul_fault(struct lvx_emul *emul, u8 vector);
enum lvx_emul_result emul_walk(struct lvx_vcpu *vcpu, u64 la,
			       enum walk_access access, struct walk *walk);
enum lvx_emul_result emul_translate(struct lvx_vcpu *vcpu, u64 la, bool write,
				    u64 *gpa);
enum insn_mode emul_mode(const struct lvx_emul_ctx *ctx);
void emul_fill_cpu(struct lvx_vcpu *vcpu, const struct insn *insn);

/* fetch.c */
const struct insn *fetch_cached(struct lvx_vcpu *vcpu, bool simple);
enum lvx_emul_result fetch(struct lvx_vcpu *vcpu, struct insn *insn);
struct fetch_cache *fetch_cache_create(void);
void fetch_cache_destroy(struct fetch_cache *cache);

/* simple.c */
bool simple_insn(const struct insn *insn);
bool simple_fits(struct lvx_vcpu *vcpu, const struct insn *insn);
enum lvx_emul_result simple_run(struct lvx_vcpu *vcpu, const struct insn *insn);
void simple_complete(struct lvx_vcpu *vcpu);

/* mmio.c */
void mmio_to_user(struct lvx_vcpu *vcpu, u64 gpa, unsigned int len, bool write,
		  const void *data);

/* vector.c */
bool vector_usable(unsigned int len);
void vector_get(u8 reg, void *data, unsigned int len);
void vector_set(u8 reg, const void *data, unsigned int len);

#endif
