# sim, an MPI distributed-training simulator. `make help` lists what can be made.
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules # looking through them takes most of a make that has nothing to do

REAL     ?= float
DOUBLE   := $(filter double,$(REAL))
SANITIZE ?=
PREFIX   ?= /usr/local
DESTDIR  ?=
BUILD    ?= build$(if $(DOUBLE),$(if $(SANITIZE),/double-sanitized,/double),$(if $(SANITIZE),/sanitized))

# Open MPI refuses to run as root, or with more ranks than cores, unless told.
export OMPI_MCA_rmaps_base_oversubscribe ?= 1
ifeq ($(shell id -u),0)
export OMPI_ALLOW_RUN_AS_ROOT ?= 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM ?= 1
endif

# ---- building ----

PACKAGES := gcc make pkg-config libopenmpi-dev openmpi-bin libhdf5-openmpi-dev libopenblas-dev libinih-dev \
            libjansson-dev librandom123-dev libcmocka-dev gnuplot-nox fonts-liberation
MODULES  := hdf5-openmpi openblas
MODULE_FLAGS := $(shell pkg-config --cflags $(MODULES) 2>/dev/null)
MODULE_PATHS := $(shell pkg-config --libs-only-L $(MODULES) 2>/dev/null)
COMMA    := ,
CHECKED  := $(if $(SANITIZE),-fsanitize=address$(COMMA)undefined -fno-sanitize-recover=undefined)
CC       := mpicc
CPPFLAGS += -I. -D_GNU_SOURCE $(MODULE_FLAGS)
CFLAGS   += -std=c11 -O3 -g -fno-math-errno -fno-trapping-math -Wall -Wextra -Wpedantic -Wshadow \
            -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror=implicit-function-declaration $(if $(SANITIZE),-O1) $(CHECKED)
LDLIBS   += $(MODULE_PATHS) -lhdf5_hl -lhdf5 -lopenblas -linih -ljansson -lm

FILES    := $(shell find models parallel sim tests -name '*.[ch]' | sort)
SOURCES  := $(filter %.c,$(FILES))
# What reads SIM_DOUBLE nowhere, neither itself nor in what it includes, is compiled once for both precisions: in the
# folder of the single one, where the double build finds it.
ONCE     := $(patsubst build/double-%,build/%,$(patsubst build/double,build,$(BUILD)))
define READERS
function mark(file, by, i) { if (!marked[file]++) for (i = split(includers[file], by, " "); i; i--) mark(by[i]) }
/SIM_DOUBLE/ { reads[FILENAME] }
/^[^"]*include *"/ { includers[$$2] = includers[$$2] " " FILENAME }
END { for (file in reads) mark(file); for (file in marked) print file }
endef
PRECISE  := $(or $(if $(DOUBLE),$(shell awk -F'"' '$(READERS)' $(FILES))),%)
objects   = $(patsubst %.c,$(BUILD)/%.o,$(filter $(PRECISE),$(1))) $(patsubst %.c,$(ONCE)/%.o,$(filter-out $(PRECISE),$(1)))

LIBRARY  := $(call objects,$(filter-out tests/% sim/main.c,$(SOURCES)))
# Tests of what computes with real numbers, or holds them in files: built in both precisions, the others in one.
TWICE    := attention balance block capacity device dropout experts experts_half families grouped half initialise kernels kernels_half \
            latent_heads model optimizer permute router routing team vector config_keys loss_scale share_text theory units unwritten \
            update weights_file
PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/*/test_*.c)))
TESTS    := $(if $(DOUBLE),$(foreach name,$(TWICE),$(filter %/test_$(name),$(PROGRAMS))),$(PROGRAMS) $(BUILD)/tests/compare) \
            $(BUILD)/tests/matrix
GROUPS   := $(call objects,$(sort $(wildcard tests/*/ranks_*.c)))
BENCHES  := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/bench_*.c)))
SUPPORT  := $(call objects,$(filter tests/support/%,$(SOURCES)))
LIBRARIES = $(BUILD)/tests/libsupport.a $(BUILD)/libsim.a

all: $(BUILD)/bin/sim

# Sums of products by fused multiply-add, where the instructions that they are compiled for have it.
$(sort $(BUILD)/models/kernels/tile_%.o $(ONCE)/models/kernels/tile_%.o): CFLAGS += -ffp-contract=fast

# Tests are compiled more often than they run.
$(sort $(BUILD)/tests/%.o $(ONCE)/tests/%.o): CFLAGS += -O1
$(BUILD)/%.o: CPPFLAGS += $(if $(DOUBLE),-DSIM_DOUBLE)

define COMPILE
	@mkdir -p $(@D); echo "  CC  $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@
endef
$(BUILD)/%.o: %.c
	$(COMPILE)
$(ONCE)/%.o: %.c
	$(COMPILE)

$(BUILD)/bin/sim: $(call objects,sim/main.c) $(LIBRARY)
	@mkdir -p $(@D); echo "  LD  $@"
	@$(CC) $(CHECKED) $^ $(LDLIBS) -o $@

# Libraries: of the program, and of what tests share; each test takes what it needs.
$(BUILD)/libsim.a: $(LIBRARY)
$(BUILD)/tests/libsupport.a: $(SUPPORT)
$(BUILD)/libsim.a $(BUILD)/tests/libsupport.a:
	@mkdir -p $(@D); echo "  AR  $@"
	@rm -f $@; $(AR) rcs $@ $^

# Programs of tests; one holds all groups that run on ranks, so that they share launches. Where
# gold is, it links them in half the time.
GOLD := $(if $(shell command -v ld.gold),-fuse-ld=gold)
$(BUILD)/tests/ranks: $(GROUPS)
$(TESTS) $(BUILD)/tests/ranks $(BUILD)/tests/reshard $(BUILD)/tests/hosts/collectives $(BENCHES): %: %.o $(LIBRARIES)
	@echo "  LD  $@"
	@$(CC) $(CHECKED) $(GOLD) $(filter %.o,$^) $(LIBRARIES) $(LDLIBS) -lcmocka -o $@

# Preloaded: witnesses of what reaches MPI, and of the order in which files reach the disk; and what makes a run go wrong.
PRELOADED := $(BUILD)/tests/witness.so $(BUILD)/tests/disk_witness.so $(BUILD)/tests/faulty.so
$(PRELOADED): $(BUILD)/%.so: %.c
	@mkdir -p $(@D); echo "  LD  $@"
	@$(CC) $(CPPFLAGS) -std=c11 -O2 -g -Wall -Wextra -fPIC -shared $< -o $@

test-programs: all $(TESTS) $(BUILD)/tests/ranks $(if $(DOUBLE),,$(PRELOADED))

# In both precisions; the double build begins as soon as all that it takes from the single one is there.
test-programs-twice: test-programs test-programs-double
test-programs-double: $(LIBRARIES) $(GROUPS) $(BUILD)/bin/sim
	@$(MAKE) --no-print-directory test-programs REAL=double

-include $(wildcard $(sort $(patsubst %.o,%.d,$(call objects,$(SOURCES)) $(SOURCES:%.c=$(BUILD)/%.o))))
.SECONDARY:

# ---- using ----

# On all cores, unless make was told how many.
ON_CORES = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

deps: ## install the system packages that are missing (apt)
	@tests/deps.sh $(PACKAGES)

demo: deps ## train zero3.ini on 8 ranks, report, draw the charts
	@$(MAKE) $(ON_CORES) --no-print-directory all
	PATH="$(CURDIR)/$(BUILD)/bin:$$PATH" mpirun -n 8 sim --config zero3.ini
	PATH="$(CURDIR)/$(BUILD)/bin:$$PATH" sim plot results/zero3.h5

check: deps ## build in both precisions and run every test
	@$(MAKE) $(ON_CORES) --no-print-directory test-programs-twice
	@tests/run.sh $(BUILD) $(BUILD)/double

check-matrix: deps ## every grid of 8, 6 and 3 ranks x data x schedule x recomputation, in double and in 16 bits
	@$(MAKE) $(ON_CORES) --no-print-directory build/double/tests/matrix REAL=double
	@$(MAKE) $(ON_CORES) --no-print-directory build/tests/matrix
	@build/double/tests/matrix
	@build/tests/matrix

check-reshard: deps ## a checkpoint of each of 10 splits gone on from under each other, in fp64, fp32, bf16 and fp16
	@$(MAKE) $(ON_CORES) --no-print-directory build/double/tests/reshard REAL=double
	@$(MAKE) $(ON_CORES) --no-print-directory build/tests/reshard
	@build/double/tests/reshard
	@build/tests/reshard

check-dry: deps ## dry runs of random grids up to 1,024 ranks: one rank and one pass for all that do the same, against every one
	@$(MAKE) $(ON_CORES) --no-print-directory build/tests/sim/test_representatives
	@build/tests/sim/test_representatives large

check-faults: deps ## what tests/shell/faults.sh does, on every split and at many moments; a node lost, one frozen
	@$(MAKE) $(ON_CORES) --no-print-directory all $(BUILD)/tests/compare $(BUILD)/tests/faulty.so
	@FAULTS=all LIMIT=1800 tests/run.sh $(BUILD) $(BUILD) faults

bench: ## what follows, part after part: medians, with least and most; every sample is kept in results/bench.csv (13 minutes)
bench-step: ## a training step of one rank against the time its matrix products take alone, by our own, OpenBLAS's and both (5 minutes)
bench-record: ## steps with simulated clocks and the run file against steps without, on 1, 2 and 8 ranks (3 minutes)
bench-dry: ## dry runs: actions a second, bytes an action; a sweep (2 minutes)
bench-collectives: ## all-reduce, reduce-scatter and all-gather of 4 KiB to 64 MiB on 2, 4 and 8 ranks against Open MPI's (2 minutes)
bench-torch: ## steps of sim and of PyTorch, the same model from the same weights (PYTHON=one with torch and h5py; 8 minutes)
BENCH := step record dry collectives
bench $(BENCH:%=bench-%) bench-torch:
	@$(MAKE) $(ON_CORES) --no-print-directory all $(BENCHES) $(BUILD)/tests/compare
	@tests/bench.sh $(BUILD) $(if $(filter bench,$@),$(BENCH),$(@:bench-%=%))

bench-calibrate: all ## sim calibrate on 1 and 2 ranks: steps of the shipped configs as foretold over measured (2 quiet cores)
	@tests/bench_calibrate.sh $(BUILD)

check-kills: deps ## 200 SIGKILLs to ranks at random, of all strategies and several grids: each run goes on to the same bits (KILLS, SEED)
	@$(MAKE) $(ON_CORES) --no-print-directory all $(BUILD)/tests/compare
	@tests/shell/kills.sh $(BUILD) $(BUILD) $(or $(KILLS),200) $(or $(SEED),1)

bench-checkpoint: all ## checkpoints beside plain files of as many bytes, and what those written beside steps cost (2 minutes)
	@$(MAKE) $(ON_CORES) --no-print-directory $(BENCHES)
	@tests/bench_checkpoint.sh $(BUILD)

check-slurm: deps ## a real Slurm of several nodes on this machine runs configs/slurm/sim.sbatch (root)
	@[ "$$(id -u)" -ne 0 ] || tests/deps.sh slurm-wlm munge iproute2
	@$(MAKE) $(ON_CORES) --no-print-directory all $(BUILD)/tests/compare
	@tests/run.sh $(BUILD) $(BUILD) slurm

check-hosts: deps ## nodes with links of known rates on this machine: collectives and steps, measured beside foretold (root; RATE=100 Mbit/s)
	@[ "$$(id -u)" -ne 0 ] || tests/deps.sh iproute2
	@$(MAKE) $(ON_CORES) --no-print-directory all $(BUILD)/tests/compare $(BUILD)/tests/hosts/collectives
	@tests/shell/hosts.sh $(BUILD) $(BUILD)

check-page: deps ## index.html of real runs in a headless chromium; screenshots in build/page
	@tests/deps.sh chromium
	@$(MAKE) $(ON_CORES) --no-print-directory all
	@tests/run.sh $(BUILD) $(BUILD) page

sanitize: deps ## the same tests under the address and undefined behaviour sanitizers
	@$(MAKE) $(ON_CORES) --no-print-directory test-programs-twice SANITIZE=1
	@tests/run.sh build/sanitized build/double-sanitized

fuzz: deps ## 1,000 damaged and 500 made-up run files under the sanitizers: refused in a line, or read (SEED=2)
	@$(MAKE) $(ON_CORES) --no-print-directory build/sanitized/tests/sim/test_run_file_fuzz SANITIZE=1
	@LSAN_OPTIONS=suppressions=tests/leaks.txt:print_suppressions=0 build/sanitized/tests/sim/test_run_file_fuzz 1000 500 $(or $(SEED),2)

install: all ## into PREFIX (default /usr/local): the program, configs and chart templates
	@mkdir -p "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/sim/configs/slurm" "$(DESTDIR)$(PREFIX)/share/sim/configs/hardware" "$(DESTDIR)$(PREFIX)/share/sim/configs/validation" "$(DESTDIR)$(PREFIX)/share/sim/plots"
	install -m 755 $(BUILD)/bin/sim "$(DESTDIR)$(PREFIX)/bin/sim"
	install -m 644 configs/*.ini "$(DESTDIR)$(PREFIX)/share/sim/configs/"
	install -m 644 configs/hardware/*.ini "$(DESTDIR)$(PREFIX)/share/sim/configs/hardware/"
	install -m 644 configs/validation/*.ini configs/validation/*.csv "$(DESTDIR)$(PREFIX)/share/sim/configs/validation/"
	install -m 644 configs/slurm/sim.sbatch "$(DESTDIR)$(PREFIX)/share/sim/configs/slurm/"
	install -m 644 results/*.gp "$(DESTDIR)$(PREFIX)/share/sim/plots/"

gallery: all ## draw the README's charts again, from real runs
	@results/gallery/draw.sh $(CURDIR)/$(BUILD)/bin

lint: ## clang-tidy, cppcheck, the doors, the arrows and the format
	@tests/deps.sh clang-tidy cppcheck clang-format shellcheck
	@tests/lint.sh "$(CPPFLAGS)"

format: ## clang-format on every source
	clang-format -i $$(git ls-files '*.[ch]')

clean: ## remove what was built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12
	@echo
	@echo "REAL=double builds in double precision (build/double), SANITIZE=1 with sanitizers, PREFIX=... installs there."

.PHONY: all test-programs test-programs-twice test-programs-double deps demo check check-matrix check-reshard check-dry check-faults bench $(BENCH:%=bench-%) bench-torch bench-calibrate bench-checkpoint check-kills check-slurm check-hosts check-page sanitize fuzz install gallery lint format clean help
