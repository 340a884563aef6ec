/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A document, written once and put out as HTML, Markdown or plain text: sections, text,
 * tables, and plots, which are SVG in HTML and tables elsewhere.
 *
 * Text may have `code` in it; everything else is taken as it is and quoted as needed.
 */
#ifndef REPORT_DOC_H
#define REPORT_DOC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum format { HTML, MARKDOWN, TEXT };

struct doc {
	FILE *f;
	enum format format;
	int tables, figures;		/* numbers of the last ones */
};

typedef uint64_t run_mask;		/* what a figure was made from: bits of runs[] */

void doc_begin(struct doc *d, const char *title, const char *css);
void doc_end(struct doc *d);
void doc_section(struct doc *d, const char *id, const char *title);
void doc_text(struct doc *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Items of a list: any number of doc_item() between. */
void doc_list(struct doc *d, bool begin);
void doc_item(struct doc *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Folded away where the format can. */
void doc_fold(struct doc *d, const char *summary);
void doc_unfold(struct doc *d);

/* Columns first, then cells row by row. A head that begins with > is of numbers. */
struct table {
	struct {
		char *text;
		const char *class;
	} *cell;
	int nr, columns;		/* cells, of them in the head */
	bool wide;			/* small print */
};

void table_column(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* class: NULL, or one of page.css, which is not needed to understand it */
void table_cell(struct table *t, const char *class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The table is freed. Without rows nothing is put out. */
void doc_table(struct doc *d, struct table *t, run_mask from, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* A caption, and where the figure's data is from. */
void doc_caption(struct doc *d, const char *what, int number, const char *caption,
		 run_mask from);

#define MAX_LINES	8
#define MAX_POINTS	32

struct line {
	const char *name;
	int mark;				/* the same in all plots */
	int nr;
	double x[MAX_POINTS], y[MAX_POINTS];	/* sorted by x */
};

struct plot {
	char title[160], x[32], y[64];		/* what is on the axes */
	int nr;
	struct line line[MAX_LINES];
};

/* Small ones side by side, under one caption. */
void doc_plots(struct doc *d, struct plot *plots, int nr, run_mask from, const char *caption);

/* One row a label, one mark a name; NAN: none. */
struct dots {
	int names, rows;
	const char *name[MAX_LINES];
	int mark[MAX_LINES];
	struct dots_row {
		char label[96];
		double value[MAX_LINES], target;
	} *row;
};

void doc_dots(struct doc *d, const struct dots *dots, const char *unit, run_mask from,
	      const char *caption);

/* Rows of cells in groups. The later of two marks is the worse one. */
enum mark { ABSENT, KEPT, MISSED, LOST, CORRUPT, MARKS };

extern const char * const mark_name[MARKS];
extern const char * const mark_sign[MARKS];

struct heat_cell {
	unsigned char mark;	/* the worst of it */
	bool split;		/* some of it is kept all the same */
	bool unexpected;	/* some of it is not what it should be */
};

struct heat {
	int rows, groups, columns;
	const char **row, **group, **column;
	struct heat_cell *cell;			/* [row][group][column] */
};

void doc_heat(struct doc *d, const struct heat *h, run_mask from, const char *caption);

#endif
