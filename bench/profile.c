// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU: which code the instructions of one round of packets are in. The
 * bench marks the round with two instructions that do nothing and that no compiler
 * makes; blocks of code are counted between them. The first mark only makes QEMU translate
 * everything anew, with counting: until then the guest runs at its usual speed.
 *
 * Writes FILE.N for each marked round: address, instructions and runs of each block.
 *
 * QEMU's own header of this interface is in no package: what is used of it follows.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int, void *), int flags, void *arg);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int, void *), int flags, void *arg);
void qemu_plugin_reset(qemu_plugin_id_t id, void (*cb)(qemu_plugin_id_t));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

int qemu_plugin_version = 1;

#define BLOCKS	(1u << 20)

static struct block {
	uint64_t pc;
	uint32_t insns;
	uint64_t runs;
} *blocks;

static const unsigned char begin[] = { 0x4d, 0x87, 0xed }, end[] = { 0x4d, 0x87, 0xe4 };
static const char *path = "profile";
static qemu_plugin_id_t self;
static bool counting, on;

static struct block *block(uint64_t pc, uint32_t insns)
{
	uint32_t i = (pc ^ (uint64_t)insns << 40) * 0x9e3779b97f4a7c15u >> 44, left = BLOCKS / 2;

	while (blocks[i].pc && (blocks[i].pc != pc || blocks[i].insns != insns)) {
		i = (i + 1) % BLOCKS;
		if (!left--) {
			fputs("profile: too many blocks of code\n", stderr);
			abort();
		}
	}
	blocks[i].pc = pc;
	blocks[i].insns = insns;
	return &blocks[i];
}

static void count(unsigned int cpu, void *arg)
{
	(void)cpu;
	((struct block *)arg)->runs += on;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

static void count_from_now(qemu_plugin_id_t id)
{
	counting = true;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
}

static void write_blocks(void)
{
	static unsigned int n;
	char name[4096];
	FILE *f;

	snprintf(name, sizeof(name), "%s.%u", path, n++);
	f = fopen(name, "w");
	for (uint32_t i = 0; f && i < BLOCKS; i++) {
		if (blocks[i].runs)
			fprintf(f, "%016" PRIx64 " %u %" PRIu64 "\n", blocks[i].pc,
				blocks[i].insns, blocks[i].runs);
		blocks[i].runs = 0;
	}
	if (!f || fclose(f))
		perror(name);
}

static void mark(unsigned int cpu, void *arg)
{
	(void)cpu;
	if (!counting) {
		if (arg == begin)
			qemu_plugin_reset(self, count_from_now);
		return;
	}
	if (arg == end && on)
		write_blocks();
	on = arg == begin;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	const size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	if (counting)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, count, 0,
			block(qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0)), n));
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const void *data = qemu_plugin_insn_data(insn);

		if (qemu_plugin_insn_size(insn) != sizeof(begin))
			continue;
		if (!memcmp(data, begin, sizeof(begin)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, 0, (void *)begin);
		else if (!memcmp(data, end, sizeof(end)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, 0, (void *)end);
	}
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			path = strdup(argv[i] + 4);
	blocks = calloc(BLOCKS, sizeof(*blocks));
	self = id;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return blocks ? 0 : -1;
}
