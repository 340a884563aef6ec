// SPDX-License-Identifier: GPL-2.0
/*
 * Four sites, a host that serves them through tunnels, and two servers on it which log
 * from which site each request came.
 *
 *	site1 --- VXLAN ---.				TCP, behind NAT
 *	site2 --- VXLAN ---+--- wan --- host: vx, gre	UDP
 *	site3 --- GRE -----|		XDP on `under`
 *	site4 --- GRE -----'
 *
 * Clients of all sites have the same address and the same ports, all VXLANs arrive at one
 * device, all GRE tunnels at another: what tells them apart is the outer header alone.
 * Every request says in its text where it comes from; only this program reads that.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "example.h"
#include "private.h"
#include "site.h"
#include "site.skel.h"
#include "train.h"

#define SITES		4
#define CONNECTIONS	1000		/* all of them open at once, as a test, too */
#define SERVER		"203.0.113.80"
#define CLIENT		"10.0.0.1"
#define NAT		"100.64.0.1"
#define TCP_PORT	8080
#define UDP_PORT	5140
#define TIGHT_PORT	5141		/* a server with a small buffer */
#define COST_PORT	5142
#define FIRST_PORT	20000		/* of the clients */
#define CGROUP		"/sys/fs/cgroup/site"
#define PATIENCE	30		/* seconds, scaled */

static struct site_bpf *skel;
static char why_not[256];	/* the kernel does not take the program at the socket */

/* ---- network ---- */

/* Sites 1 and 2 come by VXLAN, 3 and 4 by GRE. */
static bool by_vxlan(int site)
{
	return site <= 2;
}

static int site_up(int site)
{
	const char *there = by_vxlan(site) ? "vx" : "gre";
	char ns[16], type[64], id[32] = "";

	snprintf(ns, sizeof(ns), "site%d", site);
	snprintf(type, sizeof(type), by_vxlan(site) ? "vxlan dstport 4789 id %d" : "gre", site);
	if (by_vxlan(site))
		snprintf(id, sizeof(id), "id %d", site);
	return netns_add(ns) ||
	       netns_sh("wan", "set -e\n"
			"ip link add %s mtu 1600 type veth peer name under mtu 1600 netns %s\n"
			"ip link set %s master br0 up", ns, ns, ns) ||
	       netns_sh(ns, "set -e\n"
			"ip link set under up\n"
			"ip addr add 192.0.2.1%d/24 dev under\n"
			"ip link add tun mtu 1500 type %s local 192.0.2.1%d remote 192.0.2.1\n"
			"ip link set tun %s up\n"
			"ip addr add " CLIENT "/32 dev tun\n"
			"ip route add " SERVER " dev tun src " CLIENT "\n"
			"%s", site, type, site, by_vxlan(site) ? "address 02:00:00:00:00:01" : "",
			by_vxlan(site) ? "ip neigh add " SERVER
			" lladdr 02:00:00:00:00:fe dev tun nud permanent" : "") ||
	       /* where answers go is the host's own business: by a mark of the tunnel's far end */
	       netns_sh("host", "set -e\n"
			"tc filter add dev %s ingress protocol ip flower enc_src_ip 192.0.2.1%d"
			" action skbedit mark %d\n"
			"ip rule add fwmark %d table %d\n"
			"ip route add table %d " CLIENT " scope link encap ip %s dst 192.0.2.1%d dev %s",
			there, site, site, site, 100 + site, 100 + site, id, site, there);
}

static int network_up(void)
{
	int err;

	err = netns_add("wan") || netns_add("host") ||
	      netns_sh("wan", "set -e\n"
		       "ip link add br0 type bridge\n"
		       "ip link set br0 up\n"
		       "ip link add host mtu 1600 type veth peer name under mtu 1600 netns host\n"
		       "ip link set host master br0 up") ||
	      netns_sh("host", "set -e\n"
		       "ip link set under up\n"
		       "ip addr add 192.0.2.1/24 dev under\n"
		       "ip addr add " SERVER "/32 dev lo\n"
		       "ip link add vx address 02:00:00:00:00:fe type vxlan external dstport 4789\n"
		       "ip link add gre type gre external\n"
		       "ip link set vx mtu 1500 up\n"
		       "ip link set gre mtu 1500 up\n"
		       "tc qdisc add dev vx clsact\n"
		       "tc qdisc add dev gre clsact\n"
		       "ip neigh add " CLIENT " lladdr 02:00:00:00:00:01 dev vx nud permanent\n"
		       "ip route add default via 192.0.2.254 dev under\n"
		       "nft -f - <<EOF\n"
		       "table ip site {\n"
		       "  chain zone {\n"
		       "    type filter hook prerouting priority raw;\n"
		       "    ip protocol udp notrack\n"
		       "    ip protocol tcp ct original zone set meta mark map { 1 : 1, 2 : 2, 3 : 3, 4 : 4 }\n"
		       "  }\n"
		       "  chain from {\n"
		       "    type filter hook prerouting priority mangle;\n"
		       "    meta mark != 0 ct state new ct mark set meta mark\n"
		       "  }\n"
		       "  chain nat {\n"
		       "    type nat hook input priority 100;\n"
		       "    ct mark != 0 snat to " NAT "\n"
		       "  }\n"
		       "  chain back {\n"
		       "    type route hook output priority mangle;\n"
		       "    meta mark set ct mark\n"
		       "  }\n"
		       "}\n"
		       "EOF");
	for (int i = 1; !err && i <= SITES; i++)
		err = site_up(i);
	return err;
}

/* ---- programs ---- */

static int attach_to(const char *ns, const char *dev, struct bpf_program *prog)
{
	int old = netns_enter(ns), index = if_nametoindex(dev);
	struct bpf_link *link;

	link = bpf_program__type(prog) == BPF_PROG_TYPE_XDP ?
	       bpf_program__attach_xdp(prog, index) : bpf_program__attach_tcx(prog, index, NULL);
	netns_leave(old);
	if (!link)
		fprintf(stderr, "# attach %s to %s: %s\n", bpf_program__name(prog), dev,
			strerror(errno));
	return link ? 0 : -1;
}

static int attach_to_cgroup(int cgroup, struct bpf_program *prog)
{
	if (!bpf_program__autoload(prog) || bpf_program__attach_cgroup(prog, cgroup))
		return 0;
	fprintf(stderr, "# attach %s to " CGROUP ": %s\n", bpf_program__name(prog),
		strerror(errno));
	return -1;
}

static int load(void)
{
	char why[256];

	skel = site_bpf__open();
	if (!skel)
		return -1;
	skel->rodata->meta_kv_withheld = example.withhold;
	if (example_probe(site_bpf__elf_bytes, "site_arrive", why_not, sizeof(why_not)))
		bpf_program__set_autoload(skel->progs.site_arrive, true);
	if (example_probe(site_bpf__elf_bytes, "site_forge", why, sizeof(why)))
		bpf_program__set_autoload(skel->progs.site_forge, true);
	return site_bpf__load(skel) || site_bpf__attach(skel);
}

static int attach(void)
{
	int cgroup, err;

	mkdir(CGROUP, 0755);
	cgroup = open(CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = cgroup < 0 ||
	      attach_to("host", "under", skel->progs.site_learn) ||
	      attach_to("host", "under", skel->progs.site_adopt) ||
	      attach_to_cgroup(cgroup, skel->progs.site_arrive) ||
	      attach_to_cgroup(cgroup, skel->progs.site_connected) ||
	      attach_to_cgroup(cgroup, skel->progs.site_answer);
	close(cgroup);
	for (int i = 1; !err && i <= SITES; i++) {
		struct site_prefix key = { .len = 32 };
		char addr[32];
		__u32 site = i;

		snprintf(addr, sizeof(addr), "192.0.2.1%d", i);
		inet_pton(AF_INET, addr, &key.addr);
		err = bpf_map__update_elem(skel->maps.sites, &key, sizeof(key), &site,
					   sizeof(site), BPF_ANY);
	}
	return err;
}

/* ---- servers ---- */

struct server {
	pid_t pid;
	int log;
	off_t read;
};

static struct server tcp, udp, tight;

static void server_start(struct server *s, const char *program, int port, const char *more)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", port);
	s->log = memfd_create(program, MFD_CLOEXEC);
	s->pid = s->log < 0 ? -1 : fork();
	if (s->pid < 0)
		example_die("%s: %s", program, strerror(errno));
	if (s->pid)
		return;
	if (netns_enter("host") < 0 ||
	    netns_sh(NULL, "echo %d >" CGROUP "/cgroup.procs", getpid()) ||
	    dup2(s->log, STDOUT_FILENO) < 0)
		_exit(1);
	execl(example_program(program), program, SERVER, text, more, NULL);
	fprintf(stderr, "# %s: %s\n", example_program(program), strerror(errno));
	_exit(1);
}

static void stop_servers(void)
{
	const struct server *s[] = { &tcp, &udp, &tight };

	for (size_t i = 0; i < 3; i++)
		if (s[i]->pid > 0) {
			kill(s[i]->pid, SIGKILL);
			waitpid(s[i]->pid, NULL, 0);
		}
	rmdir(CGROUP);
}

/* ---- what they have logged ---- */

struct line {
	unsigned int site, syn, same, other, unknown;	/* what the server says */
	unsigned int dropped;
	char from[32];
	unsigned int truth, nr;				/* what the client said */
};

struct tally {
	unsigned int lines, right, wrong, unknown;
	unsigned int syn_right, syn_wrong;
	unsigned int same, strays;	/* packets of the connections */
	unsigned int dropped;
	unsigned int elsewhere;		/* from another address than the NAT's or the client's */
	unsigned int of[SITES + 1];
};

static bool parse(const char *text, struct line *l)
{
	memset(l, 0, sizeof(*l));
	return sscanf(text, "site %u syn %u same %u other %u unknown %u tcp %31s %*u truth %u nr %u",
		      &l->site, &l->syn, &l->same, &l->other, &l->unknown, l->from, &l->truth,
		      &l->nr) == 8 ||
	       sscanf(text, "site %u dropped %u udp %31s %*u truth %u nr %u",
		      &l->site, &l->dropped, l->from, &l->truth, &l->nr) == 5;
}

static char *log_read(const struct server *s, off_t *end)
{
	struct stat st;
	char *text;

	if (fstat(s->log, &st))
		return NULL;
	text = calloc(1, st.st_size - s->read + 1);
	if (text && pread(s->log, text, st.st_size - s->read, s->read) < 0)
		*text = '\0';
	*end = st.st_size;
	return text;
}

static const struct server *waited_for;
static unsigned int waited_lines;

static bool has_lines(void *arg)
{
	unsigned int lines = 0;
	off_t end;
	char *text = log_read(waited_for, &end);

	for (const char *c = text; c && *c; c++)
		lines += *c == '\n';
	free(text);
	return lines >= waited_lines;
}

/*
 * What the server has logged since the last time, when that is so many lines, or nothing
 * more comes. A server that is stopped logs nothing: an answer after the last one then is
 * to be waited for by other means.
 */
static struct tally log_take(struct server *s, unsigned int lines, const char *peer)
{
	struct tally t = {};
	char *text, *next, *save;
	off_t end = s->read;
	struct line l;

	waited_for = s;
	waited_lines = lines;
	wait_for(has_lines, NULL, PATIENCE);
	text = log_read(s, &end);
	s->read = end;
	for (next = strtok_r(text ?: "", "\n", &save); next; next = strtok_r(NULL, "\n", &save)) {
		if (!parse(next, &l))
			continue;
		t.lines++;
		t.right += l.site && l.site == l.truth;
		t.wrong += l.site && l.site != l.truth;
		t.unknown += !l.site;
		t.syn_right += l.syn && l.syn == l.truth;
		t.syn_wrong += l.syn && l.syn != l.truth;
		t.same += l.same;
		t.strays += l.other + l.unknown;
		t.elsewhere += !!strcmp(l.from, peer);
		t.dropped = l.dropped;
		if (l.truth <= SITES && l.site == l.truth)
			t.of[l.truth]++;
	}
	free(text);
	return t;
}

/* The server has logged nothing for a while: it has read all that there is. */
static bool quiet(const struct server *s)
{
	struct stat before = {}, now = {};

	fstat(s->log, &before);
	usleep(200000 * vm_scale());
	fstat(s->log, &now);
	return now.st_size == before.st_size;
}

/* So that a person sees what a server's log is. */
static void show_log(const struct server *s, off_t from, unsigned int lines)
{
	struct server at = { .log = s->log, .read = from };
	char *text, *next, *save;
	off_t end;

	text = log_read(&at, &end);
	for (next = strtok_r(text ?: "", "\n", &save); next && lines--;
	     next = strtok_r(NULL, "\n", &save))
		example_say("    %s", next);
	free(text);
}

/* ---- clients ---- */

static int client(int site, int type, unsigned short port)
{
	char ns[16];
	union address a;
	int old, fd, on = 1;

	snprintf(ns, sizeof(ns), "site%d", site);
	old = netns_enter(ns);
	fd = old < 0 ? -1 : socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	netns_leave(old);
	if (fd < 0)
		example_die("a client in %s: %s", ns, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &a.sa, address(&a, CLIENT, port)))
		example_die("a client in %s: port %u: %s", ns, port, strerror(errno));
	address(&a, SERVER, type == SOCK_STREAM ? TCP_PORT : UDP_PORT);
	if (connect(fd, &a.sa, sizeof(a.in)) && errno != EINPROGRESS)
		example_die("connect from %s: %s", ns, strerror(errno));
	return fd;
}

static int say(int fd, int site, unsigned int nr)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "truth %d nr %u\n", site, nr);

	return send(fd, text, n, MSG_NOSIGNAL) == n ? 0 : -1;
}

static bool ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, PATIENCE * 1000 * vm_scale()) > 0 && p.revents & events;
}

/*
 * So many connections from each site, interleaved and all open at once, two requests through
 * each. Returns how many requests were answered.
 */
static unsigned int connections(unsigned int each)
{
	unsigned int nr = each * SITES, answered = 0;
	int *fd = calloc(nr, sizeof(*fd));
	char buf[64];

	for (unsigned int i = 0; fd && i < nr; i++)
		fd[i] = client(1 + i % SITES, SOCK_STREAM, FIRST_PORT + i / SITES);
	for (unsigned int request = 0; fd && request < 2; request++) {
		for (unsigned int i = 0; i < nr; i++)
			if (!ready(fd[i], POLLOUT) || say(fd[i], 1 + i % SITES, i))
				break;
		for (unsigned int i = 0; i < nr; i++) {
			if (!ready(fd[i], POLLIN) || read(fd[i], buf, sizeof(buf)) <= 0)
				break;
			answered++;
		}
	}
	for (unsigned int i = 0; fd && i < nr; i++)
		close(fd[i]);
	free(fd);
	return answered;
}

/* So many datagrams from each site, interleaved, from the same address and port. */
static void datagrams(unsigned short port, unsigned int each)
{
	union address to;
	int fd[SITES];

	address(&to, SERVER, port);
	for (int i = 0; i < SITES; i++) {
		fd[i] = client(1 + i, SOCK_DGRAM, FIRST_PORT);
		if (connect(fd[i], &to.sa, sizeof(to.in)))
			example_die("site%d: %s", 1 + i, strerror(errno));
	}
	for (unsigned int nr = 0; nr < each * SITES; nr++)
		if (say(fd[nr % SITES], 1 + nr % SITES, nr) && errno != ECONNREFUSED)
			example_die("send from site%d: %s", 1 + nr % SITES, strerror(errno));
	for (int i = 0; i < SITES; i++)
		close(fd[i]);
}

static bool answers(void *arg)
{
	datagrams(UDP_PORT, 1);
	waited_for = &udp;
	waited_lines = SITES;
	return has_lines(NULL);
}

/* A counter of /proc/net/netstat's TcpExt, of the host. */
static long host_tcpext(const char *name)
{
	char names[8192], values[8192], *n, *v, *ns, *vs;
	int old = netns_enter("host");
	FILE *f = fopen("/proc/thread-self/net/netstat", "re");
	long found = -1;

	netns_leave(old);
	while (f && found < 0 && fgets(names, sizeof(names), f) && fgets(values, sizeof(values), f))
		for (n = strtok_r(names, " \n", &ns), v = strtok_r(values, " \n", &vs); n && v;
		     n = strtok_r(NULL, " \n", &ns), v = strtok_r(NULL, " \n", &vs))
			if (!strcmp(n, name))
				found = atol(v);
	if (f)
		fclose(f);
	return found;
}

/* ---- checks ---- */

static const char *per_site(const struct tally *t)
{
	static char text[128];
	int n = 0;

	for (int i = 1; i <= SITES; i++)
		n += snprintf(text + n, sizeof(text) - n, "%s%d: %u", i > 1 ? ", " : "", i,
			      t->of[i]);
	return text;
}

static void say_tally(const char *what, const struct tally *t)
{
	example_say("  %-34s %5u right (%s), %u wrong, %u unknown", what, t->right, per_site(t),
		    t->wrong, t->unknown);
}

static void check_tcp(const char *name, const char *what, unsigned int each)
{
	unsigned int want = each * SITES * 2, answered;
	off_t from = tcp.read;
	struct tally t;
	char check[64];

	answered = connections(each);
	t = log_take(&tcp, answered, NAT);
	say_tally(what, &t);
	if (!strcmp(name, "tcp") && !example.brief)
		show_log(&tcp, from, 5);

	snprintf(check, sizeof(check), "%s.attributed", name);
	example_check(EXAMPLE_META, t.right == want && !t.strays, check,
		      "%u of %u requests have their site, %u packets behind them another or none",
		      t.right, want, t.strays);
	snprintf(check, sizeof(check), "%s.syn", name);
	example_check(EXAMPLE_META, t.syn_right == want, check,
		      "the SYN's site is right for %u of %u requests, wrong for %u", t.syn_right,
		      want, t.syn_wrong);
	snprintf(check, sizeof(check), "%s.never-wrong", name);
	example_check(EXAMPLE_ALWAYS, t.lines == want && !t.wrong && !t.syn_wrong && !t.elsewhere,
		      check, "%u of %u requests logged, %u and %u SYNs with a wrong site, %u "
		      "not from " NAT, t.lines, want, t.wrong, t.syn_wrong, t.elsewhere);
}

static void check_cookies(unsigned int each)
{
	long cookies = host_tcpext("SyncookiesRecv");

	netns_sysctl("host", "net/ipv4/tcp_syncookies", "2");
	check_tcp("cookies", "the same with SYN cookies only:", each);
	netns_sysctl("host", "net/ipv4/tcp_syncookies", "1");
	cookies = host_tcpext("SyncookiesRecv") - cookies;
	example_check(EXAMPLE_ALWAYS, cookies == each * SITES, "cookies.used",
		      "%ld of %u handshakes were completed by a cookie", cookies, each * SITES);
}

static void check_udp(unsigned int each)
{
	unsigned int want = each * SITES;
	off_t from = udp.read;
	struct tally t;

	datagrams(UDP_PORT, each);
	t = log_take(&udp, want, CLIENT);
	say_tally("UDP, one address and port for all:", &t);
	if (!example.brief)
		show_log(&udp, from, 5);
	example_check(EXAMPLE_META, t.right == want, "udp.attributed",
		      "%u of %u datagrams have their site", t.right, want);
	example_check(EXAMPLE_ALWAYS, t.lines == want && !t.wrong && !t.elsewhere,
		      "udp.never-wrong", "%u of %u datagrams logged, %u with a wrong site, %u not "
		      "from " CLIENT, t.lines, want, t.wrong, t.elsewhere);
}

/*
 * The server sleeps while its buffer runs full and over, again and again: what is in the
 * buffer, what was dropped and what comes behind that must not be taken for each other.
 */
static void check_overflow(unsigned int each)
{
	unsigned int want = each * SITES, lines, left;
	struct tally t;

	kill(tight.pid, SIGSTOP);
	datagrams(TIGHT_PORT, each);
	kill(tight.pid, SIGCONT);
	while (!quiet(&tight))
		;
	/* these know how many were dropped before them */
	datagrams(TIGHT_PORT, 1);
	while (!quiet(&tight))
		;
	t = log_take(&tight, SITES, CLIENT);
	lines = t.lines;
	left = want + SITES - lines;
	say_tally("UDP, a buffer that runs over:", &t);
	example_say("    %u datagrams sent, %u found no room", want + SITES, t.dropped);
	example_check(EXAMPLE_META, t.right == lines && lines, "overflow.attributed",
		      "%u of %u datagrams have their site", t.right, lines);
	example_check(EXAMPLE_ALWAYS, t.dropped && t.dropped == left && !t.wrong,
		      "overflow.never-wrong", "%u datagrams logged, %u dropped, of %u; %u with a "
		      "wrong site", lines, t.dropped, want + SITES, t.wrong);
}

/* From the outer network itself, without a tunnel, and from a tunnel that nobody knows. */
static void check_strangers(void)
{
	struct site_prefix key = { .len = 32 };
	__u32 site = SITES;
	struct tally t;
	union address a, to;
	int fd;

	inet_pton(AF_INET, "192.0.2.14", &key.addr);
	bpf_map__delete_elem(skel->maps.sites, &key, sizeof(key), 0);
	datagrams(UDP_PORT, 8);
	bpf_map__update_elem(skel->maps.sites, &key, sizeof(key), &site, sizeof(site), BPF_ANY);
	t = log_take(&udp, 8 * SITES, CLIENT);
	say_tally("a site that is in no map:", &t);
	example_check(EXAMPLE_ALWAYS, t.lines == 8 * SITES && !t.of[SITES] && !t.wrong,
		      "strangers.unknown-tunnel", "%u of %u datagrams logged, %u with a site that "
		      "nobody can know, %u with a wrong one", t.lines, 8 * SITES, t.of[SITES],
		      t.wrong);

	netns_sh("site1", "ip route change " SERVER " via 192.0.2.1 dev under");
	fd = train_socket("site1", AF_INET, SOCK_DGRAM, NULL, 0);
	if (fd < 0 || bind(fd, &a.sa, address(&a, "192.0.2.11", FIRST_PORT)) ||
	    connect(fd, &to.sa, address(&to, SERVER, UDP_PORT)) || say(fd, 1, 0))
		example_die("site1, without its tunnel: %s", strerror(errno));
	t = log_take(&udp, 1, "192.0.2.11");
	close(fd);
	netns_sh("site1", "ip route change " SERVER " dev tun src " CLIENT);
	example_check(EXAMPLE_ALWAYS, t.lines == 1 && t.unknown == 1 && !t.elsewhere,
		      "strangers.no-tunnel", "%u of 1 datagrams logged, %u without a site", t.lines,
		      t.unknown);
}

static void check_forged(void)
{
	struct tally t;
	int err = 0;

	for (int i = 1; !err && i <= SITES; i++) {
		char ns[16];

		snprintf(ns, sizeof(ns), "site%d", i);
		err = bpf_program__autoload(skel->progs.site_forge) &&
		      attach_to(ns, "under", skel->progs.site_forge);
	}
	if (err)
		example_die("the forgers cannot be attached");
	datagrams(UDP_PORT, 8);
	t = log_take(&udp, 8 * SITES, CLIENT);
	say_tally("clients that claim another site:", &t);
	example_check(EXAMPLE_META, t.right == 8 * SITES && skel->bss->learned.forged >= 8 * SITES,
		      "forged.attributed", "%u of %u datagrams have their site, %llu carried a "
		      "forged one", t.right, 8 * SITES, skel->bss->learned.forged);
	example_check(EXAMPLE_ALWAYS, t.lines == 8 * SITES && !t.wrong, "forged.never-wrong",
		      "%u of %u datagrams logged, %u with a wrong site", t.lines, 8 * SITES,
		      t.wrong);
}

/* Metadata as somebody else may have left it before the packet came to the XDP program. */
static void check_bad(enum meta_kv_spoil spoil, const char *name)
{
	const unsigned int each = 8, nr = each * SITES;
	struct site_bpf__bss *bss = skel->bss;
	char check[64], what[64];
	unsigned long long counted, expected;
	struct tally t;

	bss->learned.spoiled = 0;
	memset(&bss->learned.bad, 0, sizeof(bss->learned.bad));
	memset(&bss->arrived.bad, 0, sizeof(bss->arrived.bad));
	bss->spoil = spoil;
	datagrams(UDP_PORT, each);
	t = log_take(&udp, nr, CLIENT);
	bss->spoil = SPOIL_NOT;
	snprintf(what, sizeof(what), "bad metadata: %s", name);
	say_tally(what, &t);
	example_bad("  at the driver", (struct meta_kv_bad *)&bss->learned.bad);
	example_bad("  at the socket", (struct meta_kv_bad *)&bss->arrived.bad);

	counted = spoil == SPOIL_NONE ? bss->arrived.bad.none :
		  spoil == SPOIL_SHORT ? bss->learned.bad.too_short :
		  spoil == SPOIL_FULL ? bss->learned.bad.no_room : bss->learned.bad.foreign;
	snprintf(check, sizeof(check), "bad.%s", name);
	/* all that was spoiled is counted: the datagrams, and what else a tunnel may carry */
	expected = spoil == SPOIL_NONE ? nr : bss->learned.spoiled;
	/* without metadata there is nothing to spoil; none is what it is then */
	example_check(spoil == SPOIL_NONE ? EXAMPLE_ALWAYS : EXAMPLE_META,
		      counted == expected && expected >= nr && t.lines == nr && t.unknown == nr, check,
		      "%u of %u datagrams came, %u without a site; %llu counted", t.lines, nr,
		      t.unknown, counted);
}

/* ---- cost ---- */

static union address cost_to;
static int cost_tx, cost_rx;

static int cost_round(void *arg)
{
	const unsigned int nr = 64;
	static unsigned int epoch;

	epoch = epoch % 1000 + 1;
	return train_send(cost_tx, &cost_to, epoch, 0, nr) &&
	       train_receive(cost_rx, epoch, nr) ? (int)nr : -1;
}

static void cost(void)
{
	double value, floor;

	if (*why_not || example.brief)
		return;
	address(&cost_to, SERVER, COST_PORT);
	cost_tx = train_socket("site1", AF_INET, SOCK_DGRAM, NULL, 0);
	netns_sh(NULL, "echo %d >" CGROUP "/cgroup.procs", getpid());
	cost_rx = train_socket("host", AF_INET, SOCK_DGRAM, SERVER, COST_PORT);
	netns_sh(NULL, "echo %d >/sys/fs/cgroup/cgroup.procs", getpid());
	if (cost_tx < 0 || cost_rx < 0)
		example_die("no sockets to measure with");
	skel->bss->mode = SITE_COUNT;
	floor = example_best(cost_round, NULL, 20);
	skel->bss->mode = SITE_WORK;
	value = example_best(cost_round, NULL, 20);
	example_cost("datagram through VXLAN", value, floor);
	close(cost_tx);
	close(cost_rx);
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 4096, 4096 };
	unsigned int each;

	example_start(argc, argv);
	each = example.brief ? 32 : 250;
	atexit(stop_servers);
	setrlimit(RLIMIT_NOFILE, &files);
	if (load() || network_up() || attach())
		example_die("it could not be set up");
	server_start(&tcp, "tcpserver", TCP_PORT, NULL);
	server_start(&udp, "udpserver", UDP_PORT, NULL);
	server_start(&tight, "udpserver", TIGHT_PORT, "16384");
	if (!wait_for(answers, NULL, PATIENCE))
		example_die("nothing comes through the tunnels: %llu packets seen at the driver, "
			    "%llu at a socket", skel->bss->learned.sites + skel->bss->learned.foreign,
			    skel->bss->arrived.sites + skel->bss->arrived.unknown);
	while (!quiet(&udp))
		;
	log_take(&udp, SITES, CLIENT);
	if (*why_not)
		example_say("the program at the socket does not load here: %s", why_not);

	example_say("requests, by the site that the servers logged:");
	check_tcp("tcp", "TCP, 2 on each connection:", CONNECTIONS / SITES);
	check_cookies(each / 4);
	check_udp(each);
	check_overflow(each);
	check_strangers();
	check_bad(SPOIL_NONE, "none");
	check_bad(SPOIL_SHORT, "too-short");
	check_bad(SPOIL_MAGIC, "foreign");
	check_bad(SPOIL_VERSION, "version");
	check_bad(SPOIL_FULL, "no-room");
	cost();
	check_forged();
	return example_finish();
}
