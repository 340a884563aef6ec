// SPDX-License-Identifier: GPL-2.0
/* The writer of results: what it writes is JSON, whatever it is given; never half a file. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ktap.h"
#include "results.h"

static char dir[] = "/tmp/results.XXXXXX";
static char info[64], file[64];
static char *args[] = { "prog", "--say", "\"hi\"", NULL };

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
}

/* Line nr of the results file, counted from 0. */
static char *line(int nr)
{
	static char buf[4096];
	FILE *f = fopen(file, "r");

	*buf = '\0';
	while (f && nr-- >= 0)
		if (!fgets(buf, sizeof(buf), f))
			*buf = '\0';
	if (f)
		fclose(f);
	return buf;
}

static struct results *start(void)
{
	return results_open(dir, "suite", info, 3, args);
}

static bool run_line(void)
{
	char value[256], *inner;
	bool debug;

	setenv("VM_ACCEL", "tcg", 1);
	unsetenv("RESULTS_COMMAND");
	if (results_close(start()))
		return false;
	if (strncmp(line(0), "{\"run\": {\"suite\": \"suite\", \"variant\": \"movable\"", 47))
		return false;
	/* the fields are those of the inner object */
	inner = strdup(strchr(line(0) + 1, '{'));
	return json_string(inner, "command", value, sizeof(value)) &&
	       !strcmp(value, "prog --say \"hi\"") &&
	       json_string(inner, "accel", value, sizeof(value)) && !strcmp(value, "tcg") &&
	       json_bool(inner, "debug", &debug) && !debug;
}

static bool strings(void)
{
	static const char nasty[] = "a\"b\\c\nd\te\x01" "f\xff\xc3\xa9";
	struct results *r = start();
	struct observation o = { .name = nasty, .verdict = KTAP_FAIL, .reason = "because" };

	results_add(r, &o);
	return !results_close(r) &&
	       !strcmp(line(1), "{\"case\": \"a\\\"b\\\\c\\nd\\te\\u0001f\\ufffd\xc3\xa9\", "
		       "\"verdict\": \"fail\", \"reason\": \"because\"}\n");
}

static bool counts(void)
{
	struct results *r = start();
	struct observation o = {
		.name = "vxlan4", .checkpoint = "r1.underlay.egress", .hook = "tcx", .size = 32,
		.traffic = "udp", .packets = true, .kept = 97, .lost = 1, .corrupt = 2,
	};

	results_add(r, &o);
	return !results_close(r) &&
	       !strcmp(line(1), "{\"case\": \"vxlan4\", \"checkpoint\": \"r1.underlay.egress\", "
		       "\"hook\": \"tcx\", \"size\": 32, \"traffic\": \"udp\", \"sent\": 100, "
		       "\"kept\": 97, \"lost\": 1, \"corrupt\": 2, \"missed\": 0, "
		       "\"verdict\": \"pass\"}\n");
}

static bool numbers(void)
{
	struct results *r = start();
	double value;

	results_begin(r);
	results_real(r, "nan", NAN);
	results_real(r, "spread", 0.125);
	results_str(r, "target", NULL);
	results_int(r, "boots", -3);
	results_end(r);
	return !results_close(r) &&
	       !strcmp(line(1), "{\"nan\": null, \"spread\": 0.125, \"target\": null, \"boots\": -3}\n") &&
	       json_number(line(1), "spread", &value) && value == 0.125 &&
	       !json_number(line(1), "nan", &value) && !json_number(line(1), "none", &value);
}

/* The old file is gone when a run begins, the new one there when it is complete. */
static bool whole_or_nothing(void)
{
	struct results *r = start();
	bool ok;

	if (results_close(r) || access(file, F_OK))
		return false;
	r = start();
	ok = access(file, F_OK) && errno == ENOENT;
	return !results_close(r) && ok && !access(file, F_OK);
}

static bool info_incomplete(void)
{
	struct results *r;
	FILE *err = stderr;

	put(info, "{\"variant\": \"movable\", \"debug\": false, \"kernel\": \"7.3.4\"}");
	stderr = fopen("/dev/null", "w");
	r = start();
	fclose(stderr);
	stderr = err;
	return !r;
}

int main(void)
{
	static const struct {
		const char *name;
		bool (*test)(void);
	} tests[] = {
		{ "run-line", run_line },
		{ "strings", strings },
		{ "counts", counts },
		{ "numbers", numbers },
		{ "whole-or-nothing", whole_or_nothing },
		{ "info-incomplete", info_incomplete },
	};
	const size_t nr = sizeof(tests) / sizeof(tests[0]);
	struct ktap t;

	if (!mkdtemp(dir))
		return 1;
	snprintf(info, sizeof(info), "%s/info.json", dir);
	snprintf(file, sizeof(file), "%s/suite-movable.jsonl", dir);
	put(info, "{\"variant\": \"movable\", \"debug\": false, \"kernel\": \"7.3.4-movable\", "
	    "\"base\": \"linux-source-7.3 7.3.4-1\", \"series\": \"0123abcd\", \"compiler\": \"gcc 12\"}\n");

	ktap_start(&t, nr);
	for (size_t i = 0; i < nr; i++)
		if (!ktap_result(&t, tests[i].test() ? KTAP_PASS : KTAP_FAIL, NULL, "%s",
				 tests[i].name))
			ktap_diag(&t, "line 0: %sline 1: %s", line(0), line(1));

	unlink(file);
	unlink(info);
	rmdir(dir);
	return ktap_finish(&t);
}
