// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"

const char * const fate_name[] = {
	[KEPT] = "kept", [LOST] = "lost", [CORRUPT] = "corrupt", [REFUSED] = "refused",
};

static const char *parse(struct rule *r, char *line, bool stock)
{
	char *reason = strchr(line, '#'), *word, *save;
	int i;

	if (reason) {
		*reason++ = '\0';
		reason += strspn(reason, " \t");
		reason[strcspn(reason, "\n")] = '\0';
	}
	for (i = 0; i < 5; i++) {
		word = strtok_r(i ? NULL : line, " \t\n", &save);
		if (!word)
			return i ? "fewer than six fields" : "";
		r->glob[i] = strdup(word);
	}
	word = strtok_r(NULL, " \t\n", &save);
	if (!word)
		return "fewer than six fields";
	for (i = KEPT; i <= REFUSED; i++)
		if (!strcmp(word, fate_name[i]))
			break;
	if (i > REFUSED)
		return "expected must be kept, lost, corrupt or refused";
	r->fate = i;
	if (r->fate == CORRUPT && !stock)
		return "corrupt is expected of the baseline and of no other variant";
	if (strtok_r(NULL, " \t\n", &save))
		return "more than six fields";
	if (r->fate != KEPT && (!reason || !*reason))
		return "a loss without a # reason";
	r->reason = reason ? strdup(reason) : NULL;
	return NULL;
}

int expect_read(struct expect *e, const char *path)
{
	const char *name = strrchr(path, '/');
	const bool stock = !strcmp(name ? name + 1 : path, "baseline");
	unsigned int nr = 0;
	char line[512];
	FILE *f;

	memset(e, 0, sizeof(*e));
	e->path = path;
	f = fopen(path, "r");
	if (!f) {
		fprintf(stderr, "testbed: %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (fgets(line, sizeof(line), f)) {
		struct rule r = { .line = ++nr };
		const char *wrong = parse(&r, line, stock);

		if (wrong && !*wrong)
			continue;	/* empty, or nothing but a comment */
		e->rules = realloc(e->rules, (e->nr + 1) * sizeof(*e->rules));
		if (wrong || !e->rules) {
			fprintf(stderr, "testbed: %s:%u: %s\n", path, nr,
				wrong ?: strerror(errno));
			fclose(f);
			return -1;
		}
		e->rules[e->nr++] = r;
	}
	fclose(f);
	return 0;
}

struct rule *expect_find(struct expect *e, const char *name, const char *checkpoint,
			 const char *hook, unsigned int size, const char *traffic)
{
	char bytes[16];
	const char *is[5] = { name, checkpoint, hook, bytes, traffic };

	snprintf(bytes, sizeof(bytes), "%u", size);
	for (struct rule *r = e->rules + e->nr; r-- > e->rules;) {
		int i = 0;

		while (i < 5 && !fnmatch(r->glob[i], is[i], 0))
			i++;
		if (i == 5) {
			r->used++;
			return r;
		}
	}
	return NULL;
}

bool expect_garbage(const struct expect *e)
{
	for (int i = 0; i < e->nr; i++)
		if (e->rules[i].fate == CORRUPT)
			return true;
	return false;
}
