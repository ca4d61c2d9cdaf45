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

#define NR_TRANSLATIONS	4	/* two operands that cross a page each */

/* A page that was translated for the instruction in execution. */
struct translation {
	u64 page, frame;	/* addresses; page is odd if there is none */
	bool write;
};

/**
 * struct port_string - an INS or OUTS that user space serves
 * @insn: the instruction
 * @in: INS
 * @port: port
 * @size: bytes of an element: 1, 2, 4
 * @count: elements of the batch in pio_data
 * @la: linear address of the first
 * @in_memory: no device's
 * @stored: OUTS to be finished by the OUT alone
 */
struct port_string {
	struct insn insn;
	bool in;
	u16 port;
	u8 size;
	u32 count;
	u64 la;
	bool in_memory;
	bool stored;
};

/**
 * struct lvx_emul - an instruction in execution; belongs to the vCPU's thread
 * @ctx: what module/vmx/ filled in
 * @cache: of the last fetched instructions
 * @exec: the instruction
 * @cpu: its registers
 * @checked: all that the instruction will access is translated
 * @translations: the last ones
 * @nr_translations: how many there have been
 * @done: bytes of exec.access that are moved
 * @fragment: bytes that user space moves now
 * @simple: user space serves a load of exec.insn, which is a plain move
 * @doubted: an instruction that lvx doesn't execute is tried once more
 * @doubt_rip: its address
 * @doubt_gpa: what it accessed
 * @pio_string: user space serves @string, not a plain IN or OUT
 * @pio_size: bytes of a plain IN, 0 of an OUT
 * @string: the string instruction
 */
struct lvx_emul {
	struct lvx_emul_ctx ctx;
	struct fetch_cache *cache;
	struct exec exec;
	struct exec_cpu cpu;
	bool checked;
	struct translation translations[NR_TRANSLATIONS];
	u8 nr_translations;
	u8 done, fragment;
	bool simple;
	bool doubted;
	u64 doubt_rip, doubt_gpa;
	bool pio_string;
	u8 pio_size;
	struct port_string string;
};

/* cpuid_table.c */
u32 cpuid_supported_reg(u32 leaf, u32 subleaf, enum cpuid_regs_idx reg);
u32 cpuid_xsave_size(u64 features, bool compacted);

/* translate.c */
enum lvx_emul_result emul_fault(struct lvx_emul *emul, u8 vector);
enum lvx_emul_result emul_walk(struct lvx_vcpu *vcpu, u64 la,
			       enum walk_access access, struct walk *walk);
enum lvx_emul_result emul_translate(struct lvx_vcpu *vcpu, u64 la, bool write,
				    u64 *gpa);
enum insn_mode emul_mode(const struct lvx_emul_ctx *ctx);
void emul_forget_translations(struct lvx_emul *emul);
void emul_fill_cpu(struct lvx_vcpu *vcpu, const struct insn *insn);

/* fetch.c */
const struct insn *fetch_cached(struct lvx_vcpu *vcpu, bool simple);
enum lvx_emul_result fetch(struct lvx_vcpu *vcpu, struct insn *insn);
struct fetch_cache *fetch_cache_create(void);
void fetch_cache_destroy(struct fetch_cache *cache);

/* culprit.c */
bool emul_is_culprit(struct lvx_vcpu *vcpu, const struct insn *insn);
enum lvx_emul_result emul_doubt(struct lvx_vcpu *vcpu,
				enum lvx_emul_result result);

/* simple.c */
bool simple_insn(const struct insn *insn);
bool simple_fits(struct lvx_vcpu *vcpu, const struct insn *insn);
enum lvx_emul_result simple_run(struct lvx_vcpu *vcpu, const struct insn *insn);
void simple_complete(struct lvx_vcpu *vcpu);

/* pio.c */
enum lvx_emul_result pio_finish_outs(struct lvx_vcpu *vcpu);

/* mmio.c */
enum lvx_emul_result mmio_execute(struct lvx_vcpu *vcpu, const struct insn *insn);
void mmio_to_user(struct lvx_vcpu *vcpu, u64 gpa, unsigned int len, bool write,
		  const void *data);

/* vector.c */
bool vector_get(enum insn_operand file, u8 reg, void *data, u8 len);
bool vector_set(enum insn_operand file, u8 reg, const void *data, u8 len);

#endif
