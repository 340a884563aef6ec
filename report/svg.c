// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "svg.h"

static void put(FILE *f, const char *s)
{
	for (; *s; s++)
		if (strchr("<>&", *s))
			fputs(*s == '<' ? "&lt;" : *s == '>' ? "&gt;" : "&amp;", f);
		else
			fputc(*s, f);
}

static void text(FILE *f, double x, double y, const char *class, const char *s)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
	put(f, s);
	fputs("</text>\n", f);
}

static void rule(FILE *f, const char *class, double x1, double y1, double x2, double y2)
{
	fprintf(f, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", class, x1, y1, x2, y2);
}

/* No two lines differ by their colour alone. */
static void marker(FILE *f, int nr, double x, double y)
{
	static const char * const shapes[] = {
		"m-3.2 0a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0-6.4 0z",	/* circle */
		"m-2.9-2.9h5.8v5.8h-5.8z",				/* square */
		"m0-3.8l3.6 6.4h-7.2z",					/* triangle up */
		"m0-4l4 4l-4 4l-4-4z",					/* diamond */
		"m0 3.8l3.6-6.4h-7.2z",					/* triangle down */
		"m-3-4.2l3 3 3-3 1.2 1.2-3 3 3 3-1.2 1.2-3-3-3 3-1.2-1.2 3-3-3-3z",	/* x */
	};

	fprintf(f, "<path class=\"mark\" d=\"M%.1f %.1f%s\"/>\n", x, y,
		shapes[nr % (sizeof(shapes) / sizeof(shapes[0]))]);
}

/* 1, 2 or 5 times a power of ten, for about n steps from 0 to range. */
static double step(double range, int n)
{
	double raw = range / n, p = pow(10, floor(log10(raw)));

	return raw <= p ? p : raw <= 2 * p ? 2 * p : raw <= 5 * p ? 5 * p : 10 * p;
}

static void number(char *buf, size_t size, double v)
{
	if (fabs(v) >= 10000)
		snprintf(buf, size, "%gk", v / 1000);
	else
		snprintf(buf, size, "%g", fabs(v) < 1e-9 ? 0 : v);
}

/* Names at the ends of lines, moved apart: y is where, sorted by it. */
static void spread(double *y, int *order, int nr, double gap, double low, double high)
{
	for (int i = 1; i < nr; i++)
		for (int k = i; k > 0 && y[order[k]] < y[order[k - 1]]; k--) {
			int swap = order[k];

			order[k] = order[k - 1];
			order[k - 1] = swap;
		}
	for (int i = 0; i < nr; i++) {
		double least = i ? y[order[i - 1]] + gap : low;

		if (y[order[i]] < least)
			y[order[i]] = least;
	}
	for (int i = nr - 1; i >= 0; i--) {
		double most = i < nr - 1 ? y[order[i + 1]] - gap : high;

		if (y[order[i]] > most)
			y[order[i]] = most;
	}
}

void svg_plot(FILE *f, const struct plot *p)
{
	const double w = 350, h = 205, left = 46, right = w - 66, top = 8, bottom = h - 34;
	double xmax = 0, ymin = 0, ymax = 0, dx, dy, end[MAX_LINES];
	int order[MAX_LINES];
	char buf[64];

	for (int l = 0; l < p->nr; l++)
		for (int i = 0; i < p->line[l].nr; i++) {
			xmax = fmax(xmax, p->line[l].x[i]);
			ymin = fmin(ymin, p->line[l].y[i]);
			ymax = fmax(ymax, p->line[l].y[i]);
		}
	if (xmax <= 0)
		xmax = 1;
	if (ymax <= ymin)
		ymax = ymin + 1;
	dy = step(ymax - ymin, 5);
	ymax = ceil(ymax / dy - 1e-9) * dy;
	ymin = floor(ymin / dy + 1e-9) * dy;
	dx = xmax <= 16 ? ceil(xmax / 8) : step(xmax, 5);
#define X(v) (left + (v) / xmax * (right - left))
#define Y(v) (bottom - ((v) - ymin) / (ymax - ymin) * (bottom - top))

	fprintf(f, "<svg viewBox=\"0 0 %g %g\" width=\"%g\" height=\"%g\" role=\"img\">\n<title>", w, h,
		w, h);
	put(f, p->title);
	fputs("</title>\n", f);
	for (double v = ymin; v <= ymax + dy / 2; v += dy) {
		rule(f, fabs(v) < dy / 1e6 ? "zero" : "grid", left, Y(v), right, Y(v));
		number(buf, sizeof(buf), v);
		text(f, left - 5, Y(v) + 3.5, "axis end", buf);
	}
	for (double v = 0; v <= xmax + dx / 1e6; v += dx) {
		rule(f, "tick", X(v), bottom, X(v), bottom + 3);
		number(buf, sizeof(buf), v);
		text(f, X(v), bottom + 14, "axis mid", buf);
	}
	text(f, (left + right) / 2, h - 5, "axis mid", p->x);
	for (int l = 0; l < p->nr; l++) {
		const struct line *line = &p->line[l];

		fprintf(f, "<g class=\"v-%s\">\n<path class=\"line\" d=\"", line->name);
		for (int i = 0; i < line->nr; i++)
			fprintf(f, "%c%.1f %.1f", i ? 'L' : 'M', X(line->x[i]), Y(line->y[i]));
		fputs("\"/>\n", f);
		for (int i = 0; i < line->nr; i++)
			marker(f, line->mark, X(line->x[i]), Y(line->y[i]));
		fputs("</g>\n", f);
		order[l] = l;
		end[l] = Y(line->y[line->nr - 1]) + 3.5;
	}
	spread(end, order, p->nr, 11, top, bottom + 4);
	for (int l = 0; l < p->nr; l++) {
		fprintf(f, "<g class=\"v-%s\">", p->line[l].name);
		text(f, right + 7, end[l], "name", p->line[l].name);
		fputs("</g>\n", f);
	}
	fputs("</svg>\n", f);
#undef X
#undef Y
}

void svg_dots(FILE *f, const struct dots *d, const char *unit)
{
	const double pitch = 17, top = 34, bottom = top + d->rows * pitch, h = bottom + 34;
	double left = 100, right, w, low = 0, high = 0, dx, at;
	bool targets = false;
	char buf[64];

	for (int r = 0; r < d->rows; r++) {
		left = fmax(left, 20 + 6.4 * strlen(d->row[r].label));
		for (int i = 0; i < d->names; i++)
			if (!isnan(d->row[r].value[i])) {
				low = fmin(low, d->row[r].value[i]);
				high = fmax(high, d->row[r].value[i]);
			}
		if (!isnan(d->row[r].target)) {
			high = fmax(high, d->row[r].target);
			targets = true;
		}
	}
	right = left + 530;
	w = right + 30;
	at = left;
	if (high <= low)
		high = low + 1;
	dx = step(high - low, 8);
	high = ceil(high / dx - 1e-9) * dx;
	low = floor(low / dx + 1e-9) * dx;
#define X(v) (left + ((v) - low) / (high - low) * (right - left))

	fprintf(f, "<svg viewBox=\"0 0 %g %g\" width=\"%g\" height=\"%g\" role=\"img\">\n<title>", w, h,
		w, h);
	put(f, unit);
	fputs("</title>\n", f);
	for (int i = 0; i < d->names; i++) {
		fprintf(f, "<g class=\"v-%s\">", d->name[i]);
		marker(f, d->mark[i], at, 12);
		text(f, at + 8, 15.5, "name", d->name[i]);
		fputs("</g>\n", f);
		at += 28 + 7 * strlen(d->name[i]);
	}
	if (targets) {
		rule(f, "target", at, 6, at, 18);
		text(f, at + 7, 15.5, "axis", "target");
	}
	for (double v = low; v <= high + dx / 2; v += dx) {
		rule(f, fabs(v) < dx / 1e6 ? "zero" : "grid", X(v), top - 6, X(v), bottom);
		snprintf(buf, sizeof(buf), "%+.5g", fabs(v) < dx / 1e6 ? 0 : v);
		text(f, X(v), bottom + 14, "axis mid", fabs(v) < dx / 1e6 ? "0" : buf);
	}
	text(f, (left + right) / 2, h - 5, "axis mid", unit);
	for (int r = 0; r < d->rows; r++) {
		const struct dots_row *row = &d->row[r];
		const double y = top + (r + .5) * pitch;

		text(f, left - 10, y + 3.5, "label end", row->label);
		rule(f, "grid", left, y, right, y);
		if (!isnan(row->target))
			rule(f, "target", X(row->target), y - 7, X(row->target), y + 7);
		for (int i = 0; i < d->names; i++) {
			if (isnan(row->value[i]))
				continue;
			fprintf(f, "<g class=\"v-%s\">", d->name[i]);
			marker(f, d->mark[i], X(row->value[i]), y);
			fputs("</g>\n", f);
		}
	}
	fputs("</svg>\n", f);
#undef X
}

/* Half of a cell of several sizes and kinds of traffic tells that not all fared the same. */
static void cells(FILE *f, const struct heat_cell *cell, int nr, double x, double y, double pitch)
{
	const double s = pitch - 1;

	for (int m = KEPT; m < MARKS; m++) {
		bool open = false;

		for (int c = 0; c < nr; c++) {
			if (cell[c].mark != m)
				continue;
			if (!open)
				fprintf(f, "<path class=\"m%d\" d=\"", m);
			open = true;
			fprintf(f, "M%g %gh%gv%gh-%gz", x + c * pitch, y, s, s, s);
		}
		if (open)
			fputs("\"/>", f);
	}
	for (int c = 0; c < nr; c++)
		if (cell[c].mark > KEPT && cell[c].split)
			fprintf(f, "<path class=\"m%d\" d=\"M%g %gh%gl-%g %gz\"/>", KEPT, x + c * pitch,
				y, s, s, s);
	for (int c = 0; c < nr; c++)
		if (cell[c].unexpected)
			fprintf(f, "<path class=\"bad\" d=\"M%g %gh%gv%gh-%gz\"/>", x + c * pitch, y,
				s, s, s);
}

void svg_heat(FILE *f, const struct heat *h)
{
	const double pitch = 11, gap = 10, top = 30, group = h->columns * pitch + gap;
	const struct heat_cell half = { .mark = CORRUPT, .split = true };
	const struct heat_cell bad = { .mark = LOST, .unexpected = true };
	double label = 60, w, height, at;
	char buf[128];

	for (int r = 0; r < h->rows; r++)
		label = fmax(label, 8 + 5.3 * strlen(h->row[r]));
	w = label + h->groups * group;
	if (w < label + 640)
		w = label + 640;	/* the legend */
	height = top + h->rows * pitch + 22 + (MARKS - KEPT) * 13;

	fprintf(f, "<svg viewBox=\"0 0 %g %g\" width=\"%g\" height=\"%g\" class=\"heat\" role=\"img\">\n"
		"<title>survival</title>\n", w, height, w, height);
	for (int g = 0; g < h->groups; g++) {
		fprintf(f, "<g class=\"v-%s\">", h->group[g]);
		text(f, label + g * group, 11, "name", h->group[g]);
		fputs("</g>\n", f);
		for (int c = 0; c < h->columns; c++) {
			snprintf(buf, sizeof(buf), "%d", c + 1);
			text(f, label + g * group + c * pitch + 5, 25, "tiny mid", buf);
		}
	}
	for (int r = 0; r < h->rows; r++) {
		text(f, label - 6, top + r * pitch + 8.5, "tiny end", h->row[r]);
		for (int g = 0; g < h->groups; g++) {
			const struct heat_cell *cell = h->cell + (r * h->groups + g) * h->columns;
			int nr = 0, kept = 0;

			for (int c = 0; c < h->columns; c++) {
				nr += cell[c].mark != ABSENT;
				kept += cell[c].mark == KEPT;
			}
			if (!nr)
				continue;
			fputs("<g><title>", f);
			snprintf(buf, sizeof(buf), "%s, %s: kept at %d of %d", h->row[r], h->group[g],
				 kept, nr);
			put(f, buf);
			fputs("</title>", f);
			cells(f, cell, h->columns, label + g * group, top + r * pitch, pitch);
			fputs("</g>\n", f);
		}
	}

	at = top + h->rows * pitch + 14;
	for (int c = 0; c < h->columns; c++) {
		snprintf(buf, sizeof(buf), "%d  %s", c + 1, h->column[c]);
		text(f, label + c % 3 * 130, at + 9 + c / 3 * 13, "tiny", buf);
	}
	for (int m = KEPT; m < MARKS; m++) {
		const struct heat_cell one = { .mark = m };
		int k = m - KEPT;

		cells(f, &one, 1, label + 400, at + k * 13, pitch);
		text(f, label + 415, at + 9 + k * 13, "tiny", mark_name[m]);
	}
	cells(f, &half, 1, label + 520, at, pitch);
	text(f, label + 535, at + 9, "tiny", "some of it kept");
	cells(f, &bad, 1, label + 520, at + 13, pitch);
	text(f, label + 535, at + 22, "tiny", "not as expected");
	fputs("</svg>\n", f);
}
