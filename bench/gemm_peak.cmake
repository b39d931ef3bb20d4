semlink_library(semlink_sgemm_peak SOURCES sgemm_peak.cc DEPS semlink_nn)
semlink_bench(gemm_peak SOURCES gemm_peak.cc DEPS semlink_sgemm_peak)
