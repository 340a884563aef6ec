/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the examples share: how they are started, what they say to people, and how they
 * end. An example is a folder examples/NAME with NAME.bpf.c (its skeleton is NAME.skel.h)
 * and NAME.c:
 *
 *	int main(int argc, char **argv)
 *	{
 *		example_start(argc, argv);
 *		...
 *		skel->rodata->meta_kv_withheld = example.withhold;
 *		...
 *		example_say("%lu requests, %lu sites", requests, sites);
 *		example_check(EXAMPLE_META, wrong == 0, "attributed",
 *			      "%lu requests have the wrong site", wrong);
 *		return example_finish();
 *	}
 *
 * Other C files of the folder are programs of their own, linked with nothing:
 * example_program() says where they are.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "ktap.h"
#include "meta_kv.h"
#include "netns.h"

extern struct example {
	const char *name, *variant;
	const char *dir;	/* for files beside the results */
	bool withhold;		/* run without metadata: what needs it has to fail */
	bool brief;		/* a test: the facts, as few packets as do */
	bool icount;		/* example_now() counts instructions */
} example;

enum example_need {
	EXAMPLE_ALWAYS,		/* holds with and without metadata */
	EXAMPLE_META,		/* must not hold when metadata is withheld */
};

void example_start(int argc, char **argv);

/* For people; what they see of an example is this. */
void example_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * A fact, and what to say if it is not one. The example's file `expect` may say that it is
 * none on this variant: then it must not be. True if the check came out as it should.
 */
bool example_check(enum example_need need, bool ok, const char *name, const char *why, ...)
	__attribute__((format(printf, 4, 5)));

/* It cannot even begin: a failure, whatever is expected. */
void example_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/*
 * Does this kernel take the program? Loads it alone, from the skeleton's ELF file
 * (NAME_bpf__elf_bytes()); if not, why gets the verifier's last words.
 */
bool example_probe(const void *(*elf_bytes)(size_t *size), const char *program, char *why,
		   size_t size);

/* Path of another program of this example. */
const char *example_program(const char *name);

/* CLOCK_MONOTONIC in ns: under icount, instructions of the guest. */
double example_now(void);

/* Per packet, the best of so many calls of round(), which returns how many it sent, or < 0. */
double example_best(int (*round)(void *arg), void *arg, unsigned int rounds);

/*
 * What a packet costs, from end to end; floor: on the same path, with programs that do
 * nothing but count. Instructions under icount, else ns. The other one: of something else
 * than a packet ("operation").
 */
void example_cost(const char *state, double value, double floor);
void example_cost_per(const char *what, const char *state, double value, double floor);

/* Says how many packets had unusable metadata, by the reason; returns how many in all. */
unsigned long long example_bad(const char *where, const struct meta_kv_bad *bad);

/* Prints verdicts, writes results; what main() has to return. */
int example_finish(void);

#endif
