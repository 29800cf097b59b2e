/* SPDX-License-Identifier: Apache-2.0 */
/* A library that exports one of the peers' functions only. */
const char* peer_name(void) { return "none"; }
