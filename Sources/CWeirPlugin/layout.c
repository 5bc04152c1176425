#include "weir_plugin.h"
