/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What there is in the row of namespaces, and in the guest, that a tunnel's file may have
 * made: after each case all of it has to be as it was before the first.
 */
#ifndef TB_STATE_H
#define TB_STATE_H

/* The net is up, all programs are loaded: this is how it is to be. 0, or -1. */
int state_remember(void);
/*
 * Waits until it is as it was; if that is in vain what there is now, or is no more, and
 * that is how it is to be from now on. NULL: nothing. Devices (the row's with MTU, address
 * and master), addresses, permanent neighbours, routes and rules, qdiscs (and with them
 * filters), IPsec, nftables, what the tunnels' own netlink families know, processes in the
 * namespaces, BPF programs and links, pinned files.
 */
const char *state_left_behind(void);
/* Likewise of /proc/sys/net, which takes long to read. */
const char *state_sysctl_changed(void);

#endif
