"""Nets as torch modules and ONNX files: CaffeModule, to_torch, to_onnx."""
