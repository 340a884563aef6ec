// SPDX-License-Identifier: GPL-2.0
/* Sizes of the series and of what was built of them: the lines report/sizes wrote. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/results.h"
#include "report.h"

static const struct {
	const char *field, *what;
} parts[] = {
	{ "patches", "patches" },
	{ "files", "files of code" },
	{ "added", "lines of code added" },
	{ "removed", "lines of code removed" },
	{ "other", "lines of tests, documentation" },
	{ "under", "patches of the series it is built on" },
};

#define NR_PARTS (sizeof(parts) / sizeof(parts[0]))

static struct series {
	const char *variant, *hash;
	double part[NR_PARTS];
} series[MAX_VARIANTS];

static struct image {
	const char *variant, *kernel, *series, *name;
	double bytes;
} images[256];

static int nr_series, nr_images;

static const char *text(const char *json, const char *key)
{
	char buf[256] = "";

	json_string(json, key, buf, sizeof(buf));
	return intern(buf);
}

int sizes_read(const char *path, char **why)
{
	unsigned int nr = 0;
	char *line = NULL;
	size_t size = 0;
	FILE *f = fopen(path, "re");
	const char *wrong = NULL;

	if (!f)
		return asprintf(why, "%s: %s", path, strerror(errno)), -1;
	while (!wrong && getline(&line, &size, f) > 0) {
		const char *json;

		nr++;
		wrong = json_wrong(line);
		if (wrong)
			break;
		json = strchr(strchr(line, '{') + 1, '{') ?: "";
		if (!strncmp(line, "{\"series\"", 9) && nr_series < MAX_VARIANTS) {
			struct series *s = &series[nr_series++];

			s->variant = text(json, "variant");
			s->hash = text(json, "hash");
			for (size_t i = 0; i < NR_PARTS; i++)
				if (!json_number(json, parts[i].field, &s->part[i]))
					s->part[i] = NAN;
		} else if (!strncmp(line, "{\"image\"", 8) && nr_images < 256) {
			struct image *im = &images[nr_images++];

			*im = (struct image){ text(json, "variant"), text(json, "kernel"),
					      text(json, "series"), text(json, "name"), NAN };
			json_number(json, "bytes", &im->bytes);
		} else {
			wrong = "neither series nor image";
		}
	}
	free(line);
	fclose(f);
	return wrong ? asprintf(why, "%s:%u: %s", path, nr, wrong), -1 : 0;
}

static const struct series *find_series(const char *variant)
{
	for (int i = 0; i < nr_series; i++)
		if (!strcmp(series[i].variant, variant))
			return &series[i];
	return NULL;
}

static const struct image *find_image(const char *variant, const char *name)
{
	for (int i = 0; i < nr_images; i++)
		if (!strcmp(images[i].variant, variant) && (!name || images[i].name == name))
			return &images[i];
	return NULL;
}

const char *series_hash(const char *variant)
{
	const struct series *s = find_series(variant);

	return s ? s->hash : "";
}

void sizes_check(void)
{
	for (int v = 0; v < nr_variants; v++) {
		const struct image *im = find_image(variants[v], NULL);

		if (!find_series(variants[v]))
			missing(NULL, NULL, "the series of %s", variants[v]);
		if (!im)
			missing("kernel", variants[v], "`build/kernel/%s/vmlinux`, for sizes of the "
				"image", variants[v]);
		else if (*series_hash(variants[v]) && strcmp(im->series, series_hash(variants[v])))
			missing("kernel", variants[v], "`build/kernel/%s` is of series %s, "
				"`kernel-patches/%s` is %s now", variants[v], im->series, variants[v],
				series_hash(variants[v]));
	}
}

static void image_cell(struct table *t, const char *variant, const char *name)
{
	const struct image *im = find_image(variant, name), *stock = find_image("baseline", name);

	if (!im || isnan(im->bytes))
		table_cell(t, "missing", "?");
	else if (stock && im != stock && im->bytes != stock->bytes)
		table_cell(t, NULL, "%.0f (%+.0f)", im->bytes, im->bytes - stock->bytes);
	else
		table_cell(t, NULL, "%.0f", im->bytes);
}

/* Each name of an image's size once. */
static int next_name(int i)
{
	for (i++; i < nr_images; i++) {
		int k = 0;

		while (k < i && images[k].name != images[i].name)
			k++;
		if (k == i)
			return i;
	}
	return -1;
}

static void series_cell(struct table *t, const char *variant, size_t part)
{
	const struct series *s = find_series(variant);

	if (!s || isnan(s->part[part]))
		table_cell(t, "missing", "?");
	else
		table_cell(t, NULL, "%.0f", s->part[part]);
}

void sizes_trilogy(struct table *t)
{
	for (int i = next_name(-1); i >= 0; i = next_name(i)) {
		table_cell(t, NULL, "%s, bytes", images[i].name);
		for (int v = 0; v < nr_variants; v++)
			image_cell(t, variants[v], images[i].name);
	}
	for (size_t i = 0; i < 3; i++) {
		table_cell(t, NULL, "series: %s", parts[i].what);
		for (int v = 0; v < nr_variants; v++)
			series_cell(t, variants[v], i);
	}
}

void sizes_section(struct doc *d)
{
	struct table t = { 0 };

	table_column(&t, "series");
	for (int v = 0; v < nr_variants; v++)
		table_column(&t, ">%s", variants[v]);
	for (size_t i = 0; i < NR_PARTS; i++) {
		table_cell(&t, NULL, "%s", parts[i].what);
		for (int v = 0; v < nr_variants; v++)
			series_cell(&t, variants[v], i);
	}
	table_cell(&t, NULL, "hash");
	for (int v = 0; v < nr_variants; v++)
		table_cell(&t, NULL, "%s", series_hash(variants[v]));
	doc_table(d, &t, 0, "The series in `kernel-patches/`, from the patches themselves (`git apply "
		  "--numstat`). What it is built on is not in its lines.");

	table_column(&t, "bytes");
	for (int v = 0; v < nr_variants; v++)
		table_column(&t, ">%s", variants[v]);
	for (int i = next_name(-1); i >= 0; i = next_name(i)) {
		table_cell(&t, NULL, "%s", images[i].name);
		for (int v = 0; v < nr_variants; v++)
			image_cell(&t, variants[v], images[i].name);
	}
	table_cell(&t, NULL, "kernel");
	for (int v = 0; v < nr_variants; v++) {
		const struct image *im = find_image(variants[v], NULL);

		table_cell(&t, im ? NULL : "missing", "%s", im ? im->kernel : "?");
	}
	table_cell(&t, NULL, "of the series");
	for (int v = 0; v < nr_variants; v++) {
		const struct image *im = find_image(variants[v], NULL);

		table_cell(&t, im ? NULL : "missing", "%s", im ? im->series : "?");
	}
	doc_table(d, &t, 0, "The images, from `build/kernel/*/vmlinux` (`size -A`, `pahole -F btf`); "
		  "in brackets the difference to baseline. A series' own unit tests are in .text.");
}

void sizes_summary(struct doc *d, int variant)
{
	struct table t = { 0 };
	const struct series *s = find_series(variants[variant]);

	table_column(&t, "bytes");
	table_column(&t, ">stock");
	table_column(&t, ">%s", variants[variant]);
	table_column(&t, ">diff");
	/* make size knows more of them than the images themselves say */
	for (int i = cost_sizes_summary(d, variant) ? -1 : next_name(-1); i >= 0; i = next_name(i)) {
		const struct image *a = find_image("baseline", images[i].name);
		const struct image *b = find_image(variants[variant], images[i].name);

		if (!a || !b || isnan(a->bytes) || isnan(b->bytes))
			continue;
		table_cell(&t, NULL, "%s", images[i].name);
		table_cell(&t, NULL, "%.0f", a->bytes);
		table_cell(&t, NULL, "%.0f", b->bytes);
		table_cell(&t, NULL, "%+.0f", b->bytes - a->bytes);
	}
	doc_table(d, &t, 0, " ");
	if (s)
		doc_text(d, "Series: %.0f patches, %.0f lines of code added and %.0f removed in %.0f "
			 "files; %.0f lines of tests and documentation.", s->part[0], s->part[2],
			 s->part[3], s->part[1], s->part[4]);
}
