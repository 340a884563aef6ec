// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the unit tests that are built into the kernel: a write to a suite's "run" file
 * starts it, its "results" file has the KTAP. Each case becomes a test here.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"

#define SUITES	"/sys/kernel/debug/kunit/"

static char *results(const char *suite)
{
	char path[512], *text = NULL;
	size_t len = 0;
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), SUITES "%s/run", suite);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "1", 1) != 1)
		return NULL;
	close(fd);

	snprintf(path, sizeof(path), SUITES "%s/results", suite);
	f = fopen(path, "r");
	if (!f || getdelim(&text, &len, '\0', f) < 0)
		return NULL;
	fclose(f);
	return text;
}

/* The cases of a suite are indented by one level: "    ok 1 name # SKIP reason". */
static bool is_case(const char *line, bool *ok, char *name, char *skip)
{
	const char *s = line + strspn(line, " ");
	int n = 0;

	*skip = '\0';
	if (s - line != 4)
		return false;
	*ok = strncmp(s, "not ", 4);
	return sscanf(*ok ? s : s + 4, "ok %*u %127s%n", name, &n) == 1 && n &&
	       (sscanf((*ok ? s : s + 4) + n, " # SKIP %127[^\n]", skip), true);
}

static unsigned int report(struct ktap *t, const char *suite, char *text)
{
	char name[128], skip[128], *line, *next;
	unsigned int cases = 0;
	bool ok;

	for (line = text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!is_case(line, &ok, name, skip)) {
			if (t && strstr(line, "# "))
				ktap_diag(t, "%s", line + strspn(line, " #"));
			continue;
		}
		cases++;
		if (t)
			ktap_result(t, !ok ? KTAP_FAIL : *skip ? KTAP_SKIP : KTAP_PASS,
				    !ok ? "see above" : *skip ? skip : NULL, "%s.%s", suite, name);
	}
	return cases;
}

int main(void)
{
	unsigned int cases = 0, empty = 0;
	char **text, *copy;
	struct ktap t;
	glob_t g;

	if (glob(SUITES "*/run", 0, NULL, &g))
		return ktap_skip_all("no unit tests in this kernel: its series brings none");

	text = calloc(g.gl_pathc, sizeof(*text));
	for (size_t i = 0; i < g.gl_pathc; i++) {
		const char *suite = basename(dirname(g.gl_pathv[i]));
		unsigned int n = 0;

		g.gl_pathv[i] = (char *)suite;
		text[i] = results(suite);
		if (text[i]) {
			copy = strdup(text[i]);
			n = report(NULL, suite, copy);
			free(copy);
		}
		cases += n;
		empty += !n;	/* did not run: a failure of its own */
	}

	ktap_start(&t, cases + empty);
	for (size_t i = 0; i < g.gl_pathc; i++)
		if (!text[i] || !report(&t, g.gl_pathv[i], text[i]))
			ktap_result(&t, KTAP_FAIL, "it has no results", "%s", g.gl_pathv[i]);
	return ktap_finish(&t);
}
