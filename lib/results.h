/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one form of all results: JSON Lines in <dir>/<suite>-<variant>[-debug].jsonl,
 * the first line describing the run, each further line one observation.
 *
 * The file appears under its name when results_close() is called and not before; the
 * file of an earlier run goes when results_open() is called. So there is never a
 * file that mixes two runs, nor an old one that passes for the new one.
 *
 * Errors of writing are remembered and reported once, by results_close().
 */
#ifndef LIB_RESULTS_H
#define LIB_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "ktap.h"

struct results;

/* One observation about correctness. NULL and zero fields are left out. */
struct observation {
	const char *name;	/* "case": tunnel, nested outer/inner; or file.test */
	const char *checkpoint;	/* r1.underlay.egress */
	const char *hook;	/* tcx, xdp, ... */
	unsigned int size;	/* bytes of metadata */
	const char *traffic;	/* udp, tcp, ... */
	bool packets;		/* the counts mean something; sent is their sum */
	unsigned long kept, lost, corrupt, missed;
	enum ktap_verdict verdict;
	const char *reason;	/* needed unless the verdict is a pass */
};

/*
 * dir:	 made when missing; no deeper than one level
 * info: info.json of the kernel the tests run on; NULL: the running one, variant "host"
 * argv: recorded as the command that made the results, unless the environment
 *	 has RESULTS_COMMAND. The accelerator is taken from VM_ACCEL (set by
 *	 vmrun), else "host".
 * NULL and a line on stderr when it cannot be done.
 */
struct results *results_open(const char *dir, const char *suite, const char *info,
			     int argc, char **argv);
void results_add(struct results *r, const struct observation *o);
/* 0, or -1 and a line on stderr: then there is no file under the final name. */
int results_close(struct results *r);

/* Fields beyond those: results_begin(), any of the fields, results_end(). */
void results_begin(struct results *r);
void results_str(struct results *r, const char *key, const char *value); /* NULL: null */
void results_int(struct results *r, const char *key, long long value);
void results_real(struct results *r, const char *key, double value);
void results_bool(struct results *r, const char *key, bool value);
void results_end(struct results *r);
void results_observation(struct results *r, const struct observation *o); /* its fields */

/* info.json, or one line of results: flat objects and strings are all there is to find. */
struct kernel_info {
	char variant[64];
	char kernel[128];
	char base[256];
	char series[128];
	char compiler[256];
	bool debug;
};

/* 0, or -1 and a line on stderr. */
int kernel_info_read(struct kernel_info *ki, const char *path);

/* Value of a key in a JSON object, nested objects and arrays not searched; false: not there. */
bool json_string(const char *json, const char *key, char *buf, size_t size);
bool json_number(const char *json, const char *key, double *value);
bool json_bool(const char *json, const char *key, bool *value);

#endif
