// Reads the .jsonl files of a run folder line by line.
#ifndef SEMLINK_REPORT_WINDOW_LINES_H_
#define SEMLINK_REPORT_WINDOW_LINES_H_

#include <string>

#include "report/run_data.h"

namespace semlink::report {

// Both append to `run`, whose scenario has been read. A line that can't be used is left out and
// becomes a problem; so does the last line if it has not been written whole.
void ReadWindows(const std::string& text, RunData* run);  // metrics.jsonl
void ReadEvents(const std::string& text, RunData* run);   // events.jsonl

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_WINDOW_LINES_H_
