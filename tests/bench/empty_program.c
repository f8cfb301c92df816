/* SPDX-License-Identifier: Apache-2.0 */
/* The yardstick of bench_program: starts, and ends. Its libraries are what it is about. */
int main(void)
{
    return 0;
}
