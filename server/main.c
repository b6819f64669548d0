#include <stdio.h>

int main(void) {
    puts("gridd " GRIDD_VERSION);
    return 0;
}
