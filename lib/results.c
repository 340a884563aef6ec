// SPDX-License-Identifier: GPL-2.0
/*
 * Results as JSON Lines; the schema is results.h. Plain stdio: the writer is not in
 * any path that is measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "results.h"

struct results {
	FILE *f;
	char *path;		/* the final name */
	char *part;		/* what it is called until it is complete */
	bool first;		/* no comma yet */
	int err;
};

/* Length of the UTF-8 sequence at s; 0: it is none. */
static int utf8(const unsigned char *s)
{
	int n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 :
		(s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	for (int i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;	/* overlong, a surrogate, beyond U+10FFFF */
	return n;
}

static void quote(FILE *f, const char *str)
{
	const unsigned char *s = (const unsigned char *)str;
	int n;

	fputc('"', f);
	for (; *s; s += n ? n : 1) {
		n = utf8(s);
		if (!n)
			fputs("\\ufffd", f);
		else if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if (*s == '\n')
			fputs("\\n", f);
		else if (*s == '\t')
			fputs("\\t", f);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(f, "\\u%04x", *s);
		else
			fwrite(s, 1, n, f);
	}
	fputc('"', f);
}

static void key(struct results *r, const char *k)
{
	if (!r->first)
		fputs(", ", r->f);
	r->first = false;
	quote(r->f, k);
	fputs(": ", r->f);
}

void results_begin(struct results *r)
{
	fputc('{', r->f);
	r->first = true;
}

void results_str(struct results *r, const char *k, const char *value)
{
	key(r, k);
	if (value)
		quote(r->f, value);
	else
		fputs("null", r->f);
}

void results_int(struct results *r, const char *k, long long value)
{
	key(r, k);
	fprintf(r->f, "%lld", value);
}

void results_real(struct results *r, const char *k, double value)
{
	key(r, k);
	/* JSON has no word for infinity, nor for what is not a number */
	if (isfinite(value))
		fprintf(r->f, "%.9g", value);
	else
		fputs("null", r->f);
}

void results_bool(struct results *r, const char *k, bool value)
{
	key(r, k);
	fputs(value ? "true" : "false", r->f);
}

/* The line is whole in the file before the next test can take the guest down. */
void results_end(struct results *r)
{
	fputs("}\n", r->f);
	if (fflush(r->f) && !r->err)
		r->err = errno;
}

void results_observation(struct results *r, const struct observation *o)
{
	results_str(r, "case", o->name);
	if (o->checkpoint)
		results_str(r, "checkpoint", o->checkpoint);
	if (o->hook)
		results_str(r, "hook", o->hook);
	if (o->size)
		results_int(r, "size", o->size);
	if (o->traffic)
		results_str(r, "traffic", o->traffic);
	if (o->packets) {
		results_int(r, "sent", o->kept + o->lost + o->corrupt + o->missed);
		results_int(r, "kept", o->kept);
		results_int(r, "lost", o->lost);
		results_int(r, "corrupt", o->corrupt);
		results_int(r, "missed", o->missed);
	}
	results_str(r, "verdict", ktap_verdict_name(o->verdict));
	if (o->reason)
		results_str(r, "reason", o->reason);
	else if (o->verdict != KTAP_PASS)
		results_str(r, "reason", "not given");
}

void results_add(struct results *r, const struct observation *o)
{
	results_begin(r);
	results_observation(r, o);
	results_end(r);
}

static void put_command(struct results *r, int argc, char **argv)
{
	const char *cmd = getenv("RESULTS_COMMAND");
	char buf[4096] = "";
	size_t n = 0;

	for (int i = 0; !(cmd && *cmd) && i < argc && n < sizeof(buf); i++)
		n += snprintf(buf + n, sizeof(buf) - n, "%s%s", i ? " " : "", argv[i]);
	results_str(r, "command", cmd && *cmd ? cmd : buf);
}

static void put_run(struct results *r, const struct kernel_info *ki, const char *suite,
		    int argc, char **argv)
{
	const char *accel = getenv("VM_ACCEL");
	time_t now = time(NULL);
	char date[32];

	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));

	fputs("{\"run\": ", r->f);
	results_begin(r);
	results_str(r, "suite", suite);
	results_str(r, "variant", ki->variant);
	results_bool(r, "debug", ki->debug);
	results_str(r, "kernel", ki->kernel);
	results_str(r, "base", ki->base);
	results_str(r, "series", ki->series);
	results_str(r, "accel", accel && *accel ? accel : "host");
	results_str(r, "compiler", ki->compiler);
	put_command(r, argc, argv);
	results_str(r, "date", date);
	results_int(r, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	fputc('}', r->f);
	results_end(r);
}

struct results *results_open(const char *dir, const char *suite, const char *info,
			     int argc, char **argv)
{
	struct kernel_info ki = { .variant = "host" };
	struct results *r;

	if (info) {
		if (kernel_info_read(&ki, info))
			return NULL;
	} else {
		struct utsname u;

		uname(&u);
		snprintf(ki.kernel, sizeof(ki.kernel), "%s", u.release);
	}

	r = calloc(1, sizeof(*r));
	if (!r || asprintf(&r->path, "%s/%s-%s%s.jsonl", dir, suite, ki.variant,
			   ki.debug ? "-debug" : "") < 0 ||
	    asprintf(&r->part, "%s.part", r->path) < 0) {
		fputs("results: out of memory\n", stderr);
		exit(1);
	}

	if ((mkdir(dir, 0777) && errno != EEXIST) ||
	    (unlink(r->path) && errno != ENOENT) ||
	    !(r->f = fopen(r->part, "we"))) {
		fprintf(stderr, "results: %s: %s\n", r->part, strerror(errno));
		free(r->path);
		free(r->part);
		free(r);
		return NULL;
	}
	put_run(r, &ki, suite, argc, argv);
	return r;
}

int results_close(struct results *r)
{
	int err = r->err;

	if (!err && (fflush(r->f) || ferror(r->f) || fsync(fileno(r->f))))
		err = errno;
	if (fclose(r->f) && !err)
		err = errno;
	if (!err && rename(r->part, r->path))
		err = errno;
	if (err)
		fprintf(stderr, "results: %s: %s\n", r->part, strerror(err));
	free(r->path);
	free(r->part);
	free(r);
	return err ? -1 : 0;
}

/* Behind the string that begins at s (a quote); its text to buf, if there is one. */
static const char *string(const char *s, char *buf, size_t size)
{
	size_t n = 0;

	for (s++; *s && *s != '"'; s++) {
		unsigned int c = (unsigned char)*s;

		if (c == '\\') {
			c = (unsigned char)*++s;
			if (!c)
				break;
			if (c == 'u') {
				char hex[5] = "";

				strncpy(hex, s + 1, 4);
				c = strtoul(hex, NULL, 16);
				s += strlen(hex);
				c = c < 0x80 ? c : '?';
			} else {
				c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
			}
		}
		if (buf && n + 1 < size)
			buf[n++] = c;
	}
	if (buf && size)
		buf[n] = '\0';
	return *s ? s + 1 : s;
}

/* Where the value of the key begins, in the outermost object only. */
static const char *find(const char *json, const char *key)
{
	char name[64];
	int depth = 0;

	while (*json) {
		if (*json == '"') {
			const char *p = string(json, name, sizeof(name));

			p += strspn(p, " \t\r\n");
			if (*p == ':') {
				p++;
				p += strspn(p, " \t\r\n");
				if (depth == 1 && !strcmp(name, key))
					return p;
			}
			json = p;
			continue;
		}
		depth += (*json == '{' || *json == '[') - (*json == '}' || *json == ']');
		json++;
	}
	return NULL;
}

bool json_string(const char *json, const char *key, char *buf, size_t size)
{
	const char *p = find(json, key);

	if (!p || *p != '"')
		return false;
	string(p, buf, size);
	return true;
}

bool json_number(const char *json, const char *key, double *value)
{
	const char *p = find(json, key);
	char *end;

	if (!p)
		return false;
	*value = strtod(p, &end);
	return end != p;
}

bool json_bool(const char *json, const char *key, bool *value)
{
	const char *p = find(json, key);

	if (!p || (strncmp(p, "true", 4) && strncmp(p, "false", 5)))
		return false;
	*value = *p == 't';
	return true;
}

int kernel_info_read(struct kernel_info *ki, const char *path)
{
	FILE *f = fopen(path, "re");
	const char *missing;
	char json[8192];
	size_t n;

	memset(ki, 0, sizeof(*ki));
	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	n = fread(json, 1, sizeof(json) - 1, f);
	json[n] = '\0';
	fclose(f);

	missing =
		!json_string(json, "variant", ki->variant, sizeof(ki->variant)) ? "variant" :
		!json_bool(json, "debug", &ki->debug) ? "debug" :
		!json_string(json, "kernel", ki->kernel, sizeof(ki->kernel)) ? "kernel" :
		!json_string(json, "base", ki->base, sizeof(ki->base)) ? "base" :
		!json_string(json, "series", ki->series, sizeof(ki->series)) ? "series" :
		!json_string(json, "compiler", ki->compiler, sizeof(ki->compiler)) ? "compiler" :
		NULL;
	if (missing) {
		fprintf(stderr, "%s: no field \"%s\"\n", path, missing);
		return -1;
	}
	return 0;
}
