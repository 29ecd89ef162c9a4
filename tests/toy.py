"""Definitions of nets so small that training them takes seconds."""

TRAIN_VAL = """
name: "tiny"
layer { name: "data" type: "ImageData" top: "data" top: "label" include { phase: TRAIN }
  transform_param { crop_size: 12 mirror: true mean_value: 104 mean_value: 117 mean_value: 123 }
  image_data_param { source: "toy-train" batch_size: 16 shuffle: true } }
layer { name: "data" type: "ImageData" top: "data" top: "label" include { phase: TEST }
  transform_param { crop_size: 12 mean_value: 104 mean_value: 117 mean_value: 123 }
  image_data_param { source: "toy-val" batch_size: 20 } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 8 kernel_size: 3 stride: 2 bias_term: false weight_filler { type: "msra" } } }
layer { name: "conv1/bn" type: "BatchNorm" bottom: "conv1" top: "conv1"
  batch_norm_param { moving_average_fraction: 0.8 } }
layer { name: "conv1/scale" type: "Scale" bottom: "conv1" top: "conv1" scale_param { bias_term: true } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "drop1" type: "Dropout" bottom: "conv1" top: "conv1" dropout_param { dropout_ratio: 0.1 } }
layer { name: "fc" type: "InnerProduct" bottom: "conv1" top: "fc"
  inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""
SOLVER = """
net: "train_val.prototxt" type: "Nesterov" base_lr: 0.05 lr_policy: "poly" power: 1 max_iter: %d
momentum: 0.9 weight_decay: 0.0005 display: 5 snapshot: 10 test_interval: 20 test_iter: 1 random_seed: 3
"""
ENCODER = """
name: "encoder"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 12 dim: 12 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 6 kernel_size: 3 stride: 2 weight_filler { type: "gaussian" std: 0.005 } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "fc6" type: "InnerProduct" bottom: "conv1" top: "fc6"
  inner_product_param { num_output: 10 weight_filler { type: "msra" } } }
layer { name: "relu6" type: "ReLU" bottom: "fc6" top: "fc6" }
"""
GENERATOR = """
name: "generator"
layer { name: "feat" type: "Input" top: "feat" input_param { shape { dim: 1 dim: 10 } } }
layer { name: "defc5" type: "InnerProduct" bottom: "feat" top: "defc5"
  inner_product_param { num_output: 128 weight_filler { type: "msra" } } }
layer { name: "defc5/bn" type: "BatchNorm" bottom: "defc5" top: "defc5"
  batch_norm_param { moving_average_fraction: 0.8 } }
layer { name: "relu_defc5" type: "ReLU" bottom: "defc5" top: "defc5" relu_param { negative_slope: 0.3 } }
layer { name: "reshape" type: "Reshape" bottom: "defc5" top: "reshape_defc5"
  reshape_param { shape { dim: 0 dim: 8 dim: 4 dim: 4 } } }
layer { name: "deconv0" type: "Deconvolution" bottom: "reshape_defc5" top: "deconv0"
  convolution_param { num_output: 3 kernel_size: 4 stride: 4 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "grey_levels" type: "Power" bottom: "deconv0" top: "deconv0" power_param { scale: 64 } }
"""
DISCRIMINATOR = """
name: "discriminator"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 16 dim: 16 } } }
layer { name: "feat" type: "Input" top: "feat" input_param { shape { dim: 1 dim: 10 } } }
layer { name: "flat" type: "InnerProduct" bottom: "data" top: "flat"
  inner_product_param { num_output: 8 weight_filler { type: "xavier" } } }
layer { name: "join" type: "Concat" bottom: "flat" bottom: "feat" top: "join" }
layer { name: "drop" type: "Dropout" bottom: "join" top: "join" }
layer { name: "score" type: "InnerProduct" bottom: "join" top: "score"
  inner_product_param { num_output: 1 weight_filler { type: "xavier" } } }
"""
ADAM = """
net: "%s" type: "Adam" base_lr: 0.002 lr_policy: "fixed" max_iter: %d momentum: 0.5 momentum2: 0.999 delta: 1e-8
display: 5 snapshot: 10 random_seed: 5
"""
CONVOLUTIONAL_GENERATOR = """
name: "convolutional generator"
layer { name: "feat" type: "Input" top: "feat" input_param { shape { dim: 1 dim: 6 dim: 5 dim: 5 } } }
layer { name: "Rconv6" type: "Convolution" bottom: "feat" top: "Rconv6"
  convolution_param { num_output: 8 kernel_size: 2 weight_filler { type: "msra" } } }
layer { name: "Rconv6/bn" type: "BatchNorm" bottom: "Rconv6" top: "Rconv6"
  batch_norm_param { moving_average_fraction: 0.8 } }
layer { name: "Rrelu6" type: "ReLU" bottom: "Rconv6" top: "Rconv6" relu_param { negative_slope: 0.3 } }
layer { name: "conv1_1" type: "Deconvolution" bottom: "Rconv6" top: "conv1_1"
  convolution_param { num_output: 3 kernel_size: 4 stride: 4 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "tanh" type: "TanH" bottom: "conv1_1" top: "conv1_1_tanh" }
layer { name: "conv1_1_tanh" type: "Power" bottom: "conv1_1_tanh" top: "generated" power_param { scale: 255 } }
"""
CONVOLUTIONAL_DISCRIMINATOR = """
name: "convolutional discriminator"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 16 dim: 16 } } }
layer { name: "feat" type: "Input" top: "feat" input_param { shape { dim: 1 dim: 6 dim: 5 dim: 5 } } }
layer { name: "flat" type: "InnerProduct" bottom: "data" top: "flat"
  inner_product_param { num_output: 8 weight_filler { type: "xavier" } } }
layer { name: "code1" type: "InnerProduct" bottom: "feat" top: "code1"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "join" type: "Concat" bottom: "flat" bottom: "code1" top: "join" }
layer { name: "drop" type: "Dropout" bottom: "join" top: "join" }
layer { name: "score" type: "InnerProduct" bottom: "join" top: "score"
  inner_product_param { num_output: 1 weight_filler { type: "xavier" } } }
"""
