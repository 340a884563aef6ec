/* SPDX-License-Identifier: GPL-2.0 */
/* What this example's programs and the one who runs them agree on. */
#ifndef OWNERS_H
#define OWNERS_H

#define OWNERS_LOOP	1000	/* operations in one run of a program */
#define OWNERS_KEYS	8	/* that are set meanwhile, of 8 bytes each */

#define OWNERS_PACKETS	4096

/* What is with a packet when it gets to its socket; the errors are the library's. */
struct owners_seen {
	__u64 service, trace;
	__u32 site, customer;
	__u32 hops;		/* that follow the trace's id, each later than the one before */
	__s32 service_error, site_error, customer_error, trace_error;
};

#define OWNERS_TRACE(number)	(0x7ace000000000000ULL + (number))

#endif
