/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sparse as Debian has it (0.6.4) is older than two things this kernel uses; without
 * them it gives up on most files. Included first by check-patches.sh.
 */
#define __typeof_unqual__ __typeof__
#define __builtin_strlen(s) (sizeof(s) - 1)
