/* node.c - asking the system. */
#include "sim/base/node.h"
#include <string.h>
#include <unistd.h>

void node_name(char name[NODE_NAME])
{
    if (gethostname(name, NODE_NAME)) strcpy(name, "this machine");
    name[NODE_NAME - 1] = '\0';
}
