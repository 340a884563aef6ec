// SPDX-License-Identifier: GPL-2.0
/* The three forms of a document; its plots are svg.c's. */
#define _GNU_SOURCE
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "read.h"
#include "svg.h"

const char * const mark_name[MARKS] = {
	"", "kept", "did not get there", "lost", "corrupt",
};
const char * const mark_sign[MARKS] = { " ", "+", "?", "-", "X" };

#define WIDTH	72	/* of a line of plain text */

/* ---- text ---- */

/* `code` is marked up, whatever else means something to the format is quoted. */
static void put(struct doc *d, const char *s)
{
	bool code = false;

	for (; *s; s++) {
		if (*s == '`') {
			code = !code;
			fputs(d->format == HTML ? code ? "<code>" : "</code>" :
			      d->format == MARKDOWN ? "`" : "", d->f);
		} else if (d->format == HTML && strchr("<>&\"", *s)) {
			fputs(*s == '<' ? "&lt;" : *s == '>' ? "&gt;" : *s == '&' ? "&amp;" : "&quot;",
			      d->f);
		} else {
			if (d->format == MARKDOWN && (*s == '|' || (!code && strchr("*_<[", *s))))
				fputc('\\', d->f);
			fputc(*s, d->f);
		}
	}
}

/* Plain text, broken into lines. */
static void fill(FILE *f, const char *s, int indent)
{
	int at = 0;

	while (*(s += strspn(s, " \n"))) {
		int len = strcspn(s, " \n");

		if (at && at + 1 + len > WIDTH) {
			fputc('\n', f);
			at = 0;
		}
		at += fprintf(f, "%*s", at ? 1 : indent, "");
		for (; len; len--, s++)
			if (*s != '`')
				at += fprintf(f, "%c", *s);
	}
	fputc('\n', f);
}

#define FORMATTED(text, fmt)						\
	char *text;							\
	va_list ap;							\
									\
	va_start(ap, fmt);						\
	if (vasprintf(&text, fmt, ap) < 0)				\
		abort();						\
	va_end(ap)

void doc_begin(struct doc *d, const char *title, const char *css)
{
	if (d->format == MARKDOWN)
		fprintf(d->f, "# %s\n", title);
	if (d->format != HTML)
		return;
	/* nothing is loaded from anywhere, and the page says so */
	fprintf(d->f, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'unsafe-inline'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<title>%s</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1>%s</h1>\n",
		title, css, title);
}

void doc_end(struct doc *d)
{
	if (d->format == HTML)
		fputs("</main>\n</body>\n</html>\n", d->f);
}

void doc_section(struct doc *d, const char *id, const char *title)
{
	if (d->format == HTML)
		fprintf(d->f, "\n<h2 id=\"%s\">%s</h2>\n", id, title);
	else if (d->format == MARKDOWN)
		fprintf(d->f, "\n## %s\n", title);
}

void doc_text(struct doc *d, const char *fmt, ...)
{
	FORMATTED(text, fmt);

	fputs(d->format == HTML ? "<p>" : "\n", d->f);
	if (d->format == TEXT)
		fill(d->f, text, 0);
	else
		put(d, text);
	fputs(d->format == HTML ? "</p>\n" : d->format == MARKDOWN ? "\n" : "", d->f);
	free(text);
}

void doc_list(struct doc *d, bool begin)
{
	if (d->format == HTML)
		fputs(begin ? "<ul>\n" : "</ul>\n", d->f);
	else if (begin)
		fputc('\n', d->f);
}

void doc_item(struct doc *d, const char *fmt, ...)
{
	FORMATTED(text, fmt);

	if (d->format == TEXT) {
		fill(d->f, text, 2);
	} else {
		fputs(d->format == HTML ? "<li>" : "- ", d->f);
		put(d, text);
		fputs(d->format == HTML ? "</li>\n" : "\n", d->f);
	}
	free(text);
}

void doc_fold(struct doc *d, const char *summary)
{
	if (d->format == TEXT)
		return;
	fputs("\n<details><summary>", d->f);
	put(d, summary);
	fputs("</summary>\n", d->f);
}

void doc_unfold(struct doc *d)
{
	if (d->format != TEXT)
		fputs("\n</details>\n", d->f);
}

/* ---- where it is from ---- */

void doc_caption(struct doc *d, const char *what, int number, const char *caption, run_mask from)
{
	int nr = 0;

	if (d->format == TEXT)
		return;
	if (d->format == MARKDOWN) {
		fprintf(d->f, "\n%s %d. ", what, number);
		put(d, caption);
		if (from)
			fputs(" Made from", d->f);
		for (int i = 0; i < nr_runs; i++)
			if (from >> i & 1)
				fprintf(d->f, " [%d](#sources)", i + 1);
		fputs(from ? ".\n" : "\n", d->f);
		return;
	}
	fprintf(d->f, "<figcaption><b>%s %d.</b> ", what, number);
	put(d, caption);
	for (int i = 0; i < nr_runs; i++)
		nr += from >> i & 1;
	if (nr) {
		fprintf(d->f, "<details class=\"from\"><summary>made from %d file%s</summary>\n<table>",
			nr, nr > 1 ? "s" : "");
		for (int i = 0; i < nr_runs; i++) {
			const char *const cells[] = { runs[i].file, runs[i].command,
						      runs[i].kernel, runs[i].series,
						      runs[i].date };

			if (!(from >> i & 1))
				continue;
			fputs("<tr>", d->f);
			for (size_t c = 0; c < sizeof(cells) / sizeof(cells[0]); c++) {
				fputs(c == 3 ? "<td>series " : "<td>", d->f);
				put(d, cells[c]);
			}
			fputc('\n', d->f);
		}
		fputs("</table></details>", d->f);
	}
	fputs("</figcaption>\n", d->f);
}

/* ---- tables ---- */

static void add(struct table *t, const char *class, char *text)
{
	if (!(t->nr & (t->nr - 1)))
		t->cell = realloc(t->cell, (t->nr ? 2 * t->nr : 1) * sizeof(*t->cell));
	t->cell[t->nr].class = class;
	t->cell[t->nr++].text = text;
}

void table_column(struct table *t, const char *fmt, ...)
{
	FORMATTED(text, fmt);

	add(t, NULL, text);
	t->columns++;
}

void table_cell(struct table *t, const char *class, const char *fmt, ...)
{
	FORMATTED(text, fmt);

	add(t, class, text);
}

static bool numeric(const struct table *t, int column)
{
	return t->cell[column].text[0] == '>';
}

static void html_table(struct doc *d, const struct table *t)
{
	fprintf(d->f, "<div class=\"scroll\"><table%s>\n<thead><tr>", t->wide ? " class=\"wide\"" : "");
	for (int i = 0; i < t->nr; i++) {
		const int c = i % t->columns;
		const char *class = t->cell[i].class;

		if (i && !c)
			fputs(i == t->columns ? "\n<tbody>\n<tr>" : "\n<tr>", d->f);
		fputs(i < t->columns ? "<th" : "<td", d->f);
		if (numeric(t, c) || class)
			fprintf(d->f, " class=\"%s%s%s\"", numeric(t, c) ? "n" : "",
				numeric(t, c) && class ? " " : "", class ?: "");
		fputc('>', d->f);
		put(d, t->cell[i].text + (i < t->columns && numeric(t, c)));
	}
	fputs("\n</table></div>\n", d->f);
}

static void markdown_table(struct doc *d, const struct table *t)
{
	fputc('\n', d->f);
	for (int i = 0; i < t->nr; i++) {
		fputs(i % t->columns ? " | " : "| ", d->f);
		put(d, t->cell[i].text + (i < t->columns && numeric(t, i)));
		if (i % t->columns < t->columns - 1)
			continue;
		fputs(" |\n", d->f);
		for (int c = 0; i < t->columns && c < t->columns; c++)
			fprintf(d->f, "%s%s", numeric(t, c) ? "|---:" : "|---",
				c == t->columns - 1 ? "|\n" : "");
	}
}

static void text_table(struct doc *d, const struct table *t)
{
	int width[64] = { 0 }, all = 0;

	for (int c = 0; c < t->columns; c++) {
		for (int i = c; i < t->nr; i += t->columns) {
			int len = strlen(t->cell[i].text) - (i == c && numeric(t, c));

			if (width[c] < len)
				width[c] = len;
		}
		all += width[c] + (c ? 2 : 0);
	}
	/* the first column is names, which can be cut, and end in what tells them apart */
	if (all > WIDTH && width[0] - all + WIDTH > 24)
		width[0] -= all - WIDTH;
	for (int i = 0; i < t->nr; i += t->columns) {
		char *name = t->cell[i].text;
		size_t len = strlen(name), tail = 19;

		if (len > (size_t)width[0] && !numeric(t, 0)) {
			memcpy(name + width[0] - tail - 2, "..", 2);
			memmove(name + width[0] - tail, name + len - tail, tail + 1);
		}
	}
	fputc('\n', d->f);
	for (int r = 0; r < t->nr; r += t->columns) {
		char out[1024];
		int n = 0;

		for (int c = 0; c < t->columns && n < (int)sizeof(out) - 128; c++)
			n += snprintf(out + n, sizeof(out) - n, "%s%*.*s", c ? "  " : "",
				      numeric(t, c) ? width[c] : -width[c], width[c],
				      t->cell[r + c].text + (!r && numeric(t, c)));
		while (n && out[n - 1] == ' ')
			n--;
		fprintf(d->f, "%.*s\n", n, out);
	}
}

void doc_table(struct doc *d, struct table *t, run_mask from, const char *fmt, ...)
{
	FORMATTED(caption, fmt);

	if (t->nr > t->columns) {
		if (d->format == HTML) {
			fputs("<figure>\n", d->f);
			doc_caption(d, "Table", ++d->tables, caption, from);
			html_table(d, t);
			fputs("</figure>\n", d->f);
		} else if (d->format == MARKDOWN) {
			doc_caption(d, "Table", ++d->tables, caption, from);
			markdown_table(d, t);
		} else {
			text_table(d, t);
		}
	}
	for (int i = 0; i < t->nr; i++)
		free(t->cell[i].text);
	free(t->cell);
	*t = (struct table){ 0 };
	free(caption);
}

/* ---- figures: SVG where that can be, tables elsewhere ---- */

static void plot_table(struct doc *d, const struct plot *p)
{
	struct table t = { 0 };
	double x[MAX_LINES * MAX_POINTS];
	int nr = 0;

	for (int l = 0; l < p->nr; l++)
		for (int i = 0; i < p->line[l].nr; i++) {
			int at = 0;

			while (at < nr && x[at] < p->line[l].x[i])
				at++;
			if (at < nr && x[at] == p->line[l].x[i])
				continue;
			memmove(x + at + 1, x + at, (nr++ - at) * sizeof(*x));
			x[at] = p->line[l].x[i];
		}
	table_column(&t, ">%s", p->x);
	for (int l = 0; l < p->nr; l++)
		table_column(&t, ">%s", p->line[l].name);
	for (int at = 0; at < nr; at++) {
		table_cell(&t, NULL, "%g", x[at]);
		for (int l = 0; l < p->nr; l++) {
			int i = 0;

			while (i < p->line[l].nr && p->line[l].x[i] != x[at])
				i++;
			if (i < p->line[l].nr)
				table_cell(&t, NULL, "%.1f", p->line[l].y[i]);
			else
				table_cell(&t, NULL, " ");
		}
	}
	markdown_table(d, &t);
	for (int i = 0; i < t.nr; i++)
		free(t.cell[i].text);
	free(t.cell);
}

void doc_plots(struct doc *d, struct plot *plots, int nr, run_mask from, const char *caption)
{
	if (!nr || d->format == TEXT)
		return;
	if (d->format == HTML) {
		fputs("<figure>\n<div class=\"plots\">\n", d->f);
		for (int i = 0; i < nr; i++) {
			fputs("<div><b>", d->f);
			put(d, plots[i].title);
			fputs("</b><br>", d->f);
			put(d, plots[i].y);
			fputc('\n', d->f);
			svg_plot(d->f, &plots[i]);
			fputs("</div>\n", d->f);
		}
		fputs("</div>\n", d->f);
		doc_caption(d, "Figure", ++d->figures, caption, from);
		fputs("</figure>\n", d->f);
		return;
	}
	doc_caption(d, "Figure", ++d->figures, caption, from);
	for (int i = 0; i < nr; i++) {
		doc_text(d, "%s, %s:", plots[i].title, plots[i].y);
		plot_table(d, &plots[i]);
	}
}

void doc_dots(struct doc *d, const struct dots *dots, const char *unit, run_mask from,
	      const char *caption)
{
	struct table t = { 0 };

	if (!dots->rows || d->format == TEXT)
		return;
	if (d->format == HTML) {
		fputs("<figure>\n", d->f);
		svg_dots(d->f, dots, unit);
		doc_caption(d, "Figure", ++d->figures, caption, from);
		fputs("</figure>\n", d->f);
		return;
	}
	doc_caption(d, "Figure", ++d->figures, caption, from);
	table_column(&t, "%s", unit);
	for (int i = 0; i < dots->names; i++)
		table_column(&t, ">%s", dots->name[i]);
	table_column(&t, ">target");
	for (int r = 0; r < dots->rows; r++) {
		table_cell(&t, NULL, "%s", dots->row[r].label);
		for (int i = 0; i <= dots->names; i++) {
			double v = i < dots->names ? dots->row[r].value[i] : dots->row[r].target;

			if (isnan(v))
				table_cell(&t, NULL, " ");
			else
				table_cell(&t, NULL, "%+.2f", v);
		}
	}
	markdown_table(d, &t);
	for (int i = 0; i < t.nr; i++)
		free(t.cell[i].text);
	free(t.cell);
}

void doc_heat(struct doc *d, const struct heat *h, run_mask from, const char *caption)
{
	int width = 8, gwidth = 8;

	if (!h->rows || d->format == TEXT)
		return;
	if (d->format == HTML) {
		fputs("<figure>\n", d->f);
		svg_heat(d->f, h);
		doc_caption(d, "Figure", ++d->figures, caption, from);
		fputs("</figure>\n", d->f);
		return;
	}
	doc_caption(d, "Figure", ++d->figures, caption, from);
	for (int r = 0; r < h->rows; r++)
		if (width < (int)strlen(h->row[r]))
			width = strlen(h->row[r]);
	for (int g = 0; g < h->groups; g++)
		if (gwidth < (int)strlen(h->group[g]))
			gwidth = strlen(h->group[g]);
	fprintf(d->f, "\n```\n%*s", width + 2 + gwidth, "");
	for (int c = 0; c < h->columns; c++)
		fprintf(d->f, " %d", c + 1);
	fputc('\n', d->f);
	for (int r = 0; r < h->rows; r++)
		for (int g = 0; g < h->groups; g++) {
			const struct heat_cell *cell = h->cell + (r * h->groups + g) * h->columns;
			int last = h->columns;

			fprintf(d->f, "%-*s  %-*s", width, g ? "" : h->row[r], gwidth, h->group[g]);
			while (last && !cell[last - 1].mark)
				last--;
			for (int c = 0; c < last; c++)
				fprintf(d->f, " %s", cell[c].unexpected ? "!" :
					mark_sign[cell[c].mark]);
			fputc('\n', d->f);
		}
	fputc('\n', d->f);
	for (int c = 0; c < h->columns; c++)
		fprintf(d->f, "%d %s%s", c + 1, h->column[c], (c + 1) % 3 ? "  " : "\n");
	for (int m = KEPT; m < MARKS; m++)
		fprintf(d->f, "%s%s %s", m == KEPT ? h->columns % 3 ? "\n" : "" : "  ", mark_sign[m],
			mark_name[m]);
	fputs("  ! not as expected\n```\n", d->f);
}
