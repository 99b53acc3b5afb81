/* The two contracts. Where the documents promise one thing and the real kernels do another, both are here;
 * docs/invariants.md lists the differences as. */
#ifndef SYSTEMS_CONTRACT_H
#define SYSTEMS_CONTRACT_H

enum contract {
    CONTRACT_DOC = 0,  /* what the manual pages and references promise */
    CONTRACT_REAL = 1, /* what the code does; where it would crash, a trap that names the R-number */
};

#endif
