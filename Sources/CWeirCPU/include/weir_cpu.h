#ifndef WEIR_CPU_H
#define WEIR_CPU_H
#endif
