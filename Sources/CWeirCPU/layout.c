#include "weir_cpu.h"
