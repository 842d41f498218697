/* gate_defect.h -- holes in the gate, for isolation_test alone: that it would find one is shown by making some.
 *
 * Only what is built with MONO_GATE_DEFECTS has them, which is that test's own copy of four files (module.cmake); everywhere else
 * the macros are nothing. Thread: the test's. */
#pragma once

#ifdef MONO_GATE_DEFECTS
#include "base/uuid.h"

enum gate_defect {
    GATE_DEFECT_NONE,
    GATE_DEFECT_PREDICATE, /* rows are of another project */
    GATE_DEFECT_VIEW,      /* those of the view are */
    GATE_DEFECT_CTE,       /* those of a table are whose name a WITH takes */
    GATE_DEFECT_SCHEMA,    /* those of a table are that is named with its schema */
    GATE_DEFECT_FUNCTION,  /* a function that is not listed is DuckDB's */
    GATE_DEFECT_CATALOG,   /* pg_catalog and information_schema are DuckDB's */
    GATE_DEFECT_WRITE,     /* rows are written into another project */
    GATE_DEFECT_NAMED,     /* and into the one that they name */
    GATE_DEFECT_TEMPORARY, /* a temporary table is anybody's who guesses what DuckDB calls it */
    GATE_DEFECT_COUNT,
};
extern enum gate_defect gate_defect_now;
extern bool gate_defect_leaks; /* of the statement that was translated last */
extern struct uuid gate_defect_project;
#define GATE_DEFECT(name)     (gate_defect_now == GATE_DEFECT_##name)
#define GATE_LEAK_IF(hole)    (gate_defect_leaks = gate_defect_leaks || (hole))
#define GATE_WRITTEN(project) (GATE_DEFECT(WRITE) ? gate_defect_project : (project))
#define GATE_PROJECT(project) (GATE_DEFECT(PREDICATE) || gate_defect_leaks ? gate_defect_project : (project))
#else
#define GATE_DEFECT(name)     false
#define GATE_LEAK_IF(hole)    ((void)0)
#define GATE_PROJECT(project) (project)
#define GATE_WRITTEN(project) (project)
#endif
