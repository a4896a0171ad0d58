/* What net/ does with its wall timers beside what net.h offers. */
#pragma once
#include "sim/base/timer.h"

/* Frozen: none fires, and all have as much left afterwards as before. */
void wall_timers_freeze(struct timers *timers, bool frozen);
