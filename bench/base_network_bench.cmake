semlink_bench(base_network_bench SOURCES base_network_bench.cc
  DEPS semlink_nn semlink_info semlink_sgemm_peak)
