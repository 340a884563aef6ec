# SPDX-License-Identifier: GPL-2.0
#
# make report: one page of all results, build/report/index.html, and report.md beside it.
# make report-shot: the page as a browser shows it, light and dark, wide and narrow, and
# that it loads nothing.
# make cover VARIANT=movable: the tables of a cover letter; cover-check: does the letter
# have them? cover-update: puts them there.
#
# Made from build/results, the series and build/kernel alone; nothing is run or built for
# it. Exit status 0 only if nothing is missing.

RP_VARIANTS := baseline $(filter-out baseline,$(DESIGNS))
RP_COVER     = $(or $(filter-out baseline,$(VARIANT)),movable)
RP_SRC      := $(addprefix report/,report.c read.c doc.c svg.c survival.c cost.c sizes.c) lib/results.c

build/report/report: $(RP_SRC) $(wildcard report/*.h lib/*.h) tunnels-testbed/checkpoints.h
	@mkdir -p $(@D)
	$(if $(V),,@echo '  CC      $@')
	$(Q)$(CC) -O2 -g -std=gnu11 -Wall -Wextra -o $@ $(filter %.c,$^) -lm

report: build/report/report
	$(Q)DEBUG= report/sizes $(RP_VARIANTS) >build/report/sizes.jsonl
	$(Q)$< --results build/results --sizes build/report/sizes.jsonl --css report/page.css \
		--out build/report $(RP_VARIANTS)

report-shot:
	$(Q)scripts/deps report/packages
	$(Q)report/shot build/report/index.html

cover cover-check cover-update: build/report/report
	$(Q)report/cover $(@:cover-%=%) $(RP_COVER)

.PHONY: report report-shot cover cover-check cover-update
