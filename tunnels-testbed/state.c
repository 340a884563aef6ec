// SPDX-License-Identifier: GPL-2.0
/*
 * A state is a text, one thing a line, and the lines sorted: devices that are made anew
 * have the same routes in another order. Read by netlink, not by commands: it is done
 * after each case, for five namespaces.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>	/* before those of the kernel */
#include <linux/fib_rules.h>
#include <linux/fou.h>
#include <linux/genetlink.h>
#include <linux/ioam6_genl.h>
#include <linux/ip_vs.h>
#include <linux/l2tp.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/openvswitch.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/netns.h"
#include "net.h"
#include "state.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PINS		"/sys/fs/bpf"
#define LINK_XDP	6	/* enum bpf_link_type: the engine's own, it comes and goes */

static FILE *out;	/* the state that is being read */
static enum node at;

static __attribute__((format(printf, 1, 2))) void line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(out, "%s: ", net_ns(at));
	vfprintf(out, fmt, ap);
	fputc('\n', out);
	va_end(ap);
}

/* ---- netlink ---- */

typedef void (*teller)(const struct nlmsghdr *n, const char *what);

/* Every object of a kind is told; what this kernel does not know is none. */
static void dump(int fd, int type, const void *head, size_t len, teller tell, const char *what)
{
	static char buf[1 << 16];
	struct {
		struct nlmsghdr n;
		char head[64];
	} req = { .n = { .nlmsg_len = NLMSG_LENGTH(len), .nlmsg_type = type,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	ssize_t got;

	memcpy(req.head, head, len);
	if (fd < 0 || send(fd, &req, req.n.nlmsg_len, 0) < 0)
		return;
	while ((got = recv(fd, buf, sizeof(buf), 0)) > 0)
		for (struct nlmsghdr *n = (void *)buf; NLMSG_OK(n, got); n = NLMSG_NEXT(n, got)) {
			if (n->nlmsg_type == NLMSG_DONE || n->nlmsg_type == NLMSG_ERROR)
				return;
			tell(n, what);
		}
}

static int nl_open(int protocol)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
}

/* The attribute behind a message's head of that length, or NULL. */
static const struct rtattr *attr(const struct nlmsghdr *n, size_t head, int type)
{
	const struct rtattr *a = (void *)((char *)NLMSG_DATA(n) + NLMSG_ALIGN(head));
	int len = n->nlmsg_len - NLMSG_LENGTH(NLMSG_ALIGN(head));

	for (; RTA_OK(a, len); a = RTA_NEXT(a, len))
		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return a;
	return NULL;
}

static unsigned int attr_u32(const struct nlmsghdr *n, size_t head, int type)
{
	const struct rtattr *a = attr(n, head, type);

	return a ? *(__u32 *)RTA_DATA(a) : 0;
}

static const char *attr_str(const struct nlmsghdr *n, size_t head, int type)
{
	const struct rtattr *a = attr(n, head, type);

	return a ? RTA_DATA(a) : "-";
}

static const char *dev_name(unsigned int index)
{
	static char name[IF_NAMESIZE];

	return index && if_indextoname(index, name) ? name : "-";
}

/* An address or a label; any: the default. */
static const char *address(const struct nlmsghdr *n, size_t head, int type, int family)
{
	const struct rtattr *a = attr(n, head, type);
	static char text[INET6_ADDRSTRLEN];

	if (!a)
		return "any";
	if (!inet_ntop(family, RTA_DATA(a), text, sizeof(text)))
		snprintf(text, sizeof(text), "%x", ntohl(*(__u32 *)RTA_DATA(a)));
	return text;
}

/* They come with a device's carrier, whenever that is. */
static bool link_local(const char *address)
{
	return !strncmp(address, "fe80:", 5) || !strncmp(address, "ff", 2);
}

static void tell_link(const struct nlmsghdr *n, const char *what)
{
	const char *name = attr_str(n, sizeof(struct ifinfomsg), IFLA_IFNAME);
	const struct rtattr *mac = attr(n, sizeof(struct ifinfomsg), IFLA_ADDRESS);
	const unsigned char *m = mac ? RTA_DATA(mac) : (void *)"\0\0\0\0\0";

	/* a bridge has the address of one of its ports */
	if (strncmp(name, "to-", 3))
		line("%s %s", what, name);
	else
		line("%s %s mtu %u address %02x:%02x:%02x:%02x:%02x:%02x master %u", what, name,
		     attr_u32(n, sizeof(struct ifinfomsg), IFLA_MTU), m[0], m[1], m[2], m[3], m[4],
		     m[5], attr_u32(n, sizeof(struct ifinfomsg), IFLA_MASTER));
}

static void tell_addr(const struct nlmsghdr *n, const char *what)
{
	const struct ifaddrmsg *m = NLMSG_DATA(n);
	const char *a = address(n, sizeof(*m), IFA_ADDRESS, m->ifa_family);

	if (!link_local(a))
		line("%s %s/%u dev %s", what, a, m->ifa_prefixlen, dev_name(m->ifa_index));
}

static void tell_neigh(const struct nlmsghdr *n, const char *what)
{
	const struct ndmsg *m = NLMSG_DATA(n);

	if (m->ndm_state & NUD_PERMANENT)
		line("%s %s dev %s", what, address(n, sizeof(*m), NDA_DST, m->ndm_family),
		     dev_name(m->ndm_ifindex));
}

static void tell_route(const struct nlmsghdr *n, const char *what)
{
	const struct rtmsg *m = NLMSG_DATA(n);
	const char *to = address(n, sizeof(*m), RTA_DST, m->rtm_family);

	if (!(m->rtm_flags & RTM_F_CLONED) && !link_local(to))
		line("%s %s/%u table %u dev %s%s", what, to, m->rtm_dst_len,
		     attr_u32(n, sizeof(*m), RTA_TABLE),
		     dev_name(attr_u32(n, sizeof(*m), RTA_OIF)),
		     attr(n, sizeof(*m), RTA_ENCAP) ? " encap" : "");
}

static void tell_rule(const struct nlmsghdr *n, const char *what)
{
	const struct fib_rule_hdr *m = NLMSG_DATA(n);

	line("%s IPv%c pref %u table %u", what, m->family == AF_INET6 ? '6' : '4',
	     attr_u32(n, sizeof(*m), FRA_PRIORITY), attr_u32(n, sizeof(*m), FRA_TABLE));
}

static void tell_qdisc(const struct nlmsghdr *n, const char *what)
{
	const struct tcmsg *m = NLMSG_DATA(n);

	line("%s %s dev %s", what, attr_str(n, sizeof(*m), TCA_KIND), dev_name(m->tcm_ifindex));
}

static void tell_state(const struct nlmsghdr *n, const char *what)
{
	const struct xfrm_usersa_info *m = NLMSG_DATA(n);

	line("%s spi %08x", what, ntohl(m->id.spi));
}

static void tell_policy(const struct nlmsghdr *n, const char *what)
{
	const struct xfrm_userpolicy_info *m = NLMSG_DATA(n);

	line("%s direction %u", what, m->dir);
}

static void tell_table(const struct nlmsghdr *n, const char *what)
{
	line("%s %s", what, attr_str(n, sizeof(struct nfgenmsg), NFTA_TABLE_NAME));
}

static void tell_any(const struct nlmsghdr *n, const char *what)
{
	line("%s", what);
}

static void read_rtnetlink(void)
{
	static const struct {
		int type, family;
		teller tell;
		const char *what;
	} kinds[] = {
		{ RTM_GETLINK, AF_UNSPEC, tell_link, "device" },
		{ RTM_GETADDR, AF_UNSPEC, tell_addr, "address" },
		{ RTM_GETNEIGH, AF_UNSPEC, tell_neigh, "neighbour" },
		{ RTM_GETROUTE, AF_INET, tell_route, "route" },
		{ RTM_GETROUTE, AF_INET6, tell_route, "route" },
		{ RTM_GETROUTE, AF_MPLS, tell_route, "MPLS route" },
		{ RTM_GETRULE, AF_INET, tell_rule, "rule" },
		{ RTM_GETRULE, AF_INET6, tell_rule, "rule" },
		{ RTM_GETQDISC, AF_UNSPEC, tell_qdisc, "qdisc" },
	};
	int fd = nl_open(NETLINK_ROUTE);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		/* the longest of their heads, they all begin with the family */
		const struct tcmsg head = { .tcm_family = kinds[i].family };

		dump(fd, kinds[i].type, &head, kinds[i].type == RTM_GETLINK ?
		     sizeof(struct ifinfomsg) : kinds[i].type == RTM_GETQDISC ?
		     sizeof(struct tcmsg) : sizeof(struct rtmsg), kinds[i].tell, kinds[i].what);
	}
	close(fd);
}

static void read_xfrm(void)
{
	int fd = nl_open(NETLINK_XFRM);

	dump(fd, XFRM_MSG_GETSA, "", 0, tell_state, "xfrm state");
	dump(fd, XFRM_MSG_GETPOLICY, "", 0, tell_policy, "xfrm policy");
	close(fd);
}

static void read_nftables(void)
{
	const struct nfgenmsg head = { .version = NFNETLINK_V0 };
	int fd = nl_open(NETLINK_NETFILTER);

	dump(fd, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, &head, sizeof(head), tell_table,
	     "nft table");
	close(fd);
}

/* Those with objects that no device stands for. */
static struct family {
	const char *name, *what;
	int get;
	size_t head;		/* of its own, behind the generic one */
	int id;			/* 0: this kernel has it not */
} families[] = {
	{ FOU_GENL_NAME, "FOU port", FOU_CMD_GET },
	{ L2TP_GENL_NAME, "L2TP tunnel", L2TP_CMD_TUNNEL_GET },
	{ IPVS_GENL_NAME, "IPVS service", IPVS_CMD_GET_SERVICE },
	{ IOAM6_GENL_NAME, "IOAM6 namespace", IOAM6_CMD_DUMP_NAMESPACES },
	{ OVS_DATAPATH_FAMILY, "Open vSwitch datapath", OVS_DP_CMD_GET, sizeof(struct ovs_header) },
};

static void find_family(const struct nlmsghdr *n, const char *what)
{
	const struct rtattr *id = attr(n, GENL_HDRLEN, CTRL_ATTR_FAMILY_ID);

	for (size_t i = 0; i < ARRAY_SIZE(families) && id; i++)
		if (!strcmp(attr_str(n, GENL_HDRLEN, CTRL_ATTR_FAMILY_NAME), families[i].name))
			families[i].id = *(__u16 *)RTA_DATA(id);
}

static void read_families(void)
{
	const struct genlmsghdr all = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	int fd = nl_open(NETLINK_GENERIC);
	static bool known;

	if (!known)
		dump(fd, GENL_ID_CTRL, &all, sizeof(all), find_family, NULL);
	known = true;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct {
			struct genlmsghdr g;
			__u32 own;
		} head = { .g = { .cmd = families[i].get, .version = 1 } };

		if (families[i].id)
			dump(fd, families[i].id, &head, sizeof(head.g) + families[i].head, tell_any,
			     families[i].what);
	}
	close(fd);
}

/* ---- of no namespace, or of each ---- */

/* Whoever is in one of the row's. */
static void read_processes(void)
{
	struct stat ns[NODES], is;
	struct dirent *e;
	char path[300];
	DIR *d = opendir("/proc");

	for (int n = 0; n < NODES; n++) {
		snprintf(path, sizeof(path), "/run/netns/%s", net_ns(n));
		if (stat(path, &ns[n]))
			memset(&ns[n], 0, sizeof(ns[n]));
	}
	while (d && (e = readdir(d))) {
		char name[32] = "-";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/ns/net", e->d_name);
		if (*e->d_name < '1' || *e->d_name > '9' || stat(path, &is))
			continue;
		for (int n = 0; n < NODES; n++) {
			if (is.st_ino != ns[n].st_ino || is.st_dev != ns[n].st_dev)
				continue;
			snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
			f = fopen(path, "re");
			if (f && fgets(name, sizeof(name), f))
				name[strcspn(name, "\n")] = '\0';
			if (f)
				fclose(f);
			at = n;
			line("process %s", name);
		}
	}
	if (d)
		closedir(d);
}

static int pinned(const char *path, const struct stat *st, int type)
{
	if (type == FTW_F)	/* folders are iproute2's */
		fprintf(out, "pinned %s\n", path);
	return 0;
}

static void read_bpf(void)
{
	__u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		struct bpf_prog_info info = { 0 };
		__u32 len = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0)
			continue;	/* gone by now */
		if (!bpf_obj_get_info_by_fd(fd, &info, &len))
			fprintf(out, "BPF program %s, %u\n", info.name, id);
		close(fd);
	}
	id = 0;
	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = { 0 };
		__u32 len = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.type != LINK_XDP)
			fprintf(out, "BPF link of type %u, program %u\n", info.type, info.prog_id);
		close(fd);
	}
	ftw(PINS, pinned, 8);
}

/* ---- states ---- */

struct state {
	char **line;
	int nr;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char **)a, *(char **)b);
}

static struct state sorted(char *text)
{
	struct state s = { 0 };
	char *save;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		s.line = realloc(s.line, (s.nr + 1) * sizeof(*s.line));
		if (!s.line)
			abort();
		s.line[s.nr++] = strdup(l);
	}
	if (s.nr)
		qsort(s.line, s.nr, sizeof(*s.line), by_text);
	free(text);
	return s;
}

static void forget(struct state *s)
{
	while (s->nr)
		free(s->line[--s->nr]);
	free(s->line);
	s->line = NULL;
}

static struct state read_state(void)
{
	size_t size;
	char *text;

	out = open_memstream(&text, &size);
	if (!out)
		abort();
	for (at = SRC; at < NODES; at++) {
		int old = net_enter(at);

		if (old < 0)
			continue;
		read_rtnetlink();
		read_xfrm();
		read_nftables();
		read_families();
		netns_leave(old);
	}
	read_processes();
	read_bpf();
	fclose(out);
	return sorted(text);
}

/* What one has and the other has not, or the other way round; NULL: they are the same. */
static const char *difference(const struct state *was, const struct state *is)
{
	static char text[400];
	int i = 0, k = 0;

	while (i < was->nr || k < is->nr) {
		int order = i == was->nr ? 1 : k == is->nr ? -1 : strcmp(was->line[i], is->line[k]);

		if (order) {
			snprintf(text, sizeof(text), "%s%s", order > 0 ? is->line[k] : was->line[i],
				 order > 0 ? "" : " is gone");
			return text;
		}
		i++;
		k++;
	}
	return NULL;
}

static struct state first, first_sysctls;

static bool as_before(void *arg)
{
	const char **differs = arg;
	struct state now = read_state();

	*differs = difference(&first, &now);
	forget(&now);
	return !*differs;
}

const char *state_left_behind(void)
{
	const char *differs = NULL;

	if (wait_for(as_before, &differs, 2))
		return NULL;
	/* what comes next is not to blame for it */
	forget(&first);
	first = read_state();
	return differs;
}

/* What can be set and be read again. */
static int setting(const char *path, const struct stat *st, int type)
{
	char value[256];
	ssize_t n;
	int fd;

	if (type != FTW_F || !(st->st_mode & 0200))
		return 0;
	/* old names of others, which the kernel warns about */
	if (strstr(path, "/base_reachable_time") || strstr(path, "/retrans_time"))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, value, sizeof(value) - 1);
	close(fd);
	if (n > 0) {
		value[n] = '\0';
		value[strcspn(value, "\n")] = '\0';
		line("%s = %s", path + strlen("/proc/sys/"), value);
	}
	return 0;
}

static struct state read_sysctls(void)
{
	size_t size;
	char *text;

	out = open_memstream(&text, &size);
	if (!out)
		abort();
	for (at = R1; at <= R3; at++) {
		int old = net_enter(at);

		if (old < 0)
			continue;
		ftw("/proc/sys/net", setting, 8);
		netns_leave(old);
	}
	fclose(out);
	return sorted(text);
}

const char *state_sysctl_changed(void)
{
	struct state now = read_sysctls();
	const char *differs = difference(&first_sysctls, &now);

	forget(&now);
	return differs;
}

int state_remember(void)
{
	first = read_state();
	first_sysctls = read_sysctls();
	return first.nr && first_sysctls.nr ? 0 : -1;
}
