/* SPDX-License-Identifier: GPL-2.0 */
/* The plots of doc.h as inline SVG. Colours are page.css's, by the class v-NAME. */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include "doc.h"

void svg_plot(FILE *f, const struct plot *p);
void svg_dots(FILE *f, const struct dots *d, const char *unit);
void svg_heat(FILE *f, const struct heat *h);

#endif
