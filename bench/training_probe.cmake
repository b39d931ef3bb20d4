semlink_library(semlink_training_probe SOURCES training_probe.cc window_flops.cc
  DEPS semlink_coordinator semlink_receiver semlink_transmitter semlink_data_files semlink_nn semlink_sgemm_peak)
semlink_bench(window_bench SOURCES window_bench.cc
  DEPS semlink_training_probe semlink_sgemm_peak semlink_scenario CLI11::CLI11)
semlink_bench(scale_bench SOURCES scale_bench.cc DEPS semlink_training_probe semlink_scenario CLI11::CLI11)
