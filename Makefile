# sim: an MPI distributed-training simulator. `make help` lists what can be made.
.DEFAULT_GOAL := all

# ---- the machine ----------------------------------------------------------
REAL     ?= float#                 float | double: the type everything is computed in
SANITIZE ?=#                       1: address and undefined behaviour sanitizers
PREFIX   ?= /usr/local
DESTDIR  ?=
BUILD    ?= build$(if $(filter double,$(REAL)),/double)$(if $(SANITIZE),/sanitized)

# Open MPI refuses root and more ranks than cores unless told otherwise.
export OMPI_MCA_rmaps_base_oversubscribe ?= 1
ifeq ($(shell id -u),0)
export OMPI_ALLOW_RUN_AS_ROOT ?= 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM ?= 1
endif

# ---- the compiler ---------------------------------------------------------
MODULES  := openblas hdf5-openmpi
MPICC    ?= mpicc
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CPPFLAGS += -I. -D_GNU_SOURCE $(if $(filter double,$(REAL)),-DSIM_DOUBLE) \
            $(shell pkg-config --cflags $(MODULES) 2>/dev/null)
CFLAGS   += -std=c11 -O3 -g -fno-math-errno -fno-trapping-math $(WARNINGS) \
            $(if $(SANITIZE),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined -O1)
LDFLAGS  += $(if $(SANITIZE),-fsanitize=address$(,)undefined)
LDLIBS   += $(shell pkg-config --libs-only-L $(MODULES) 2>/dev/null) -lhdf5_hl -lhdf5 -lopenblas -linih -lm
,        := ,

SOURCES  := $(wildcard sim/*.c parallel/*.c models/*.c)
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY  := $(filter-out $(BUILD)/sim/main.o,$(OBJECTS))
TESTS    := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/*.c))

all: $(BUILD)/sim.bin
.PHONY: all

# The folder sim/ holds sources, so inside build/ the program is build/bin/sim.
$(BUILD)/sim.bin: $(BUILD)/bin/sim
	@touch $@
$(BUILD)/bin/sim: $(OBJECTS)
	@mkdir -p $(@D); echo "  LD  $@"
	@$(MPICC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/%.o: %.c | packages
	@mkdir -p $(@D); echo "  CC  $<"
	@$(MPICC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIBRARY)
	@echo "  LD  $@"
	@$(MPICC) $(LDFLAGS) $^ $(LDLIBS) -lcmocka -o $@
packages: ;
.PHONY: packages
.PRECIOUS: $(BUILD)/%.o
tests: $(TESTS)
.PHONY: tests

-include $(OBJECTS:.o=.d) $(TESTS:=.d)
