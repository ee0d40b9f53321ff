#include "harness/cli/commands.hpp"

int main(int argc, char** argv) { return smtpspec::cli::main_command(argc, argv); }
